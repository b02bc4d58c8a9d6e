/** TensorStore: drivers zarr and zarr3, and finding the format by itself. */
import { asked, axesOf, type ClientRow, compare, goldenArrays, python, startServer } from './client.ts'

interface Answer {
  readonly version: string
  readonly results: readonly { readonly sha256: string; readonly error?: string }[]
}

const CASES = [
  [2, 'zarr', 'driver zarr'],
  [3, 'zarr3_experimental', 'driver zarr3'],
  [3, 'v15/zarr', 'driver zarr3 under /v15/zarr'],
  // under /zarr both formats are found, and it refuses to choose
  [null, 'zarr3_experimental', 'the URL alone (auto)'],
  [2, 'zarr-zyx', 'driver zarr, z, y, x'],
  [3, 'zarr3-zyx', 'driver zarr3, z, y, x'],
] as const

export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const [format, route, opened] of CASES) {
    await using server = await startServer()
    const arrays = goldenArrays.map(({ dataset, layer, mag, topLeft, size, time }) => ({
      url: `${server.url}/data/${route}/${dataset}/${layer}/${mag}`,
      topLeft,
      size,
      time,
    }))
    const { version, results } = (await python('read_arrays.py', { library: 'tensorstore', format, axes: axesOf(route), arrays })) as Answer
    rows.push({ client: 'tensorstore', version, opened, compared: compare(goldenArrays, results), asked: await asked(server) })
  }
  return rows
}
