/** zarrita.js, what Viv and Vitessce read with: both formats, by id with a token in the address and by name. */
import * as zarr from 'zarrita'
import manifest from '../../node_modules/zarrita/package.json'
import { sha256 } from '../support/golden.ts'
import { asked, type ClientRow, compare, type GoldenArray, goldenArrays, startServer } from './client.ts'

export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const [open, route, opened] of [
    [(store: zarr.FetchStore) => zarr.open.v2(store, { kind: 'array' }), 'zarr', 'v2 by id and ?token='],
    [(store: zarr.FetchStore) => zarr.open.v3(store, { kind: 'array' }), 'zarr3_experimental', 'v3 by id and ?token='],
    [(store: zarr.FetchStore) => zarr.open(store, { kind: 'array' }), 'zarr', 'either under /zarr'],
  ] as const) {
    await using server = await startServer()
    const ids = new Map((await server.list()).map(({ organization, name, id }) => [`${organization}/${name}`, id]))
    const results: { sha256: string; error?: string }[] = []
    for (const array of goldenArrays) {
      const url = `${server.url}/data/${route}/${ids.get(array.dataset)}/${array.layer}/${array.mag}?token=none`
      try {
        const stored = await open(new zarr.FetchStore(url))
        results.push({ sha256: sha256(await wholeBox(stored, array)) })
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

/** The voxels of the box with c fastest, then x, y, z, little endian; throws where something lies outside of it. */
async function wholeBox(array: zarr.Array<zarr.DataType, zarr.Readable>, { topLeft, size }: GoldenArray): Promise<Uint8Array> {
  const { data, shape, stride } = (await zarr.get(array)) as zarr.Chunk<zarr.NumberDataType | zarr.BigintDataType>
  const values = data as unknown as Uint8Array
  const [channels] = shape as [number, number, number, number]
  const out = new (values.constructor as Uint8ArrayConstructor)(channels * size[0]! * size[1]! * size[2]!)
  let n = 0
  for (let z = 0; z < size[2]!; z++)
    for (let y = 0; y < size[1]!; y++)
      for (let x = 0; x < size[0]!; x++)
        for (let c = 0; c < channels; c++)
          out[n++] =
            values[c * stride[0]! + (x + topLeft[0]!) * stride[1]! + (y + topLeft[1]!) * stride[2]! + (z + topLeft[2]!) * stride[3]!]!
  const count = (all: Uint8Array) => all.reduce((sum, value) => sum + (Number(value) === 0 ? 0 : 1), 0)
  if (count(values) !== count(out)) throw new Error('voxels outside of the box')
  return new Uint8Array(out.buffer)
}
