/** zarr-python 3 and 2 over fsspec: arrays of both formats by their address, and by way of the layer's group. */
import { asked, axesOf, type ClientRow, compare, goldenArrays, python, startServer } from './client.ts'

interface Answer {
  readonly version: string
  readonly results: readonly { readonly sha256: string; readonly error?: string }[]
}

const CASES = [
  ['zarr', 2, 'zarr', 'v2 arrays'],
  ['zarr', 3, 'zarr3_experimental', 'v3 arrays'],
  ['zarr', 3, 'zarr', 'v3 arrays under /zarr'],
  ['zarr-group', 2, 'zarr', 'v2 by the layer’s group'],
  ['zarr-group', 3, 'zarr3_experimental', 'v3 by the layer’s group'],
  ['zarr', 2, 'zarr-zyx', 'v2 arrays, z, y, x'],
  ['zarr', 3, 'zarr3-zyx', 'v3 arrays, z, y, x'],
] as const

/** What zarr-python 2 reads. */
const OLD_CASES = CASES.filter(([, format]) => format === 2)

export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const [environment, library, format, route, opened] of [
    ...CASES.map((one) => ['main', ...one] as const),
    ...OLD_CASES.map((one) => ['zarr2', ...one] as const),
  ]) {
    await using server = await startServer()
    const arrays = goldenArrays.map(({ dataset, layer, mag, topLeft, size, time }) => ({
      url: `${server.url}/data/${route}/${dataset}/${layer}/${magName(mag)}`,
      topLeft,
      size,
      time,
    }))
    const { version, results } = (await python('read_arrays.py', { library, format, axes: axesOf(route), arrays }, environment)) as Answer
    rows.push({ client: 'zarr-python', version, opened, compared: compare(goldenArrays, results), asked: await asked(server) })
  }
  return rows
}

/** A group lists its mags by the short name. */
const magName = (mag: string): string => (/^(\d+)-\1-\1$/.test(mag) ? mag.split('-')[0]! : mag)
