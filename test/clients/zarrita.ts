/** zarrita.js, what Viv and Vitessce read with: both formats, by id with a token in the address and by name. */
import * as zarr from 'zarrita'
import manifest from '../../node_modules/zarrita/package.json'
import { sha256 } from '../support/golden.ts'
import { wholeBox } from '../support/zarr.ts'
import { asked, axesOf, type ClientRow, compare, goldenArrays, startServer } from './client.ts'

export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const [open, route, opened] of [
    [(store: zarr.FetchStore) => zarr.open.v2(store, { kind: 'array' }), 'zarr', 'v2 by id and ?token='],
    [(store: zarr.FetchStore) => zarr.open.v3(store, { kind: 'array' }), 'zarr3_experimental', 'v3 by id and ?token='],
    [(store: zarr.FetchStore) => zarr.open(store, { kind: 'array' }), 'zarr', 'either under /zarr'],
    [(store: zarr.FetchStore) => zarr.open.v2(store, { kind: 'array' }), 'zarr-zyx', 'v2, z, y, x'],
    [(store: zarr.FetchStore) => zarr.open.v3(store, { kind: 'array' }), 'zarr3-zyx', 'v3, z, y, x'],
  ] as const) {
    await using server = await startServer()
    const ids = new Map((await server.list()).map(({ organization, name, id }) => [`${organization}/${name}`, id]))
    const results: { sha256: string; error?: string }[] = []
    for (const array of goldenArrays) {
      const url = `${server.url}/data/${route}/${ids.get(array.dataset)}/${array.layer}/${array.mag}?token=none`
      try {
        const stored = await open(new zarr.FetchStore(url))
        results.push({ sha256: sha256(await wholeBox(stored, array, axesOf(route))) })
      } catch (error) {
        results.push({ sha256: '', error: String(error) })
      }
    }
    rows.push({
      client: 'zarrita',
      version: manifest.version,
      opened,
      compared: compare(goldenArrays, results),
      asked: await asked(server),
    })
  }
  return rows
}
