/** Reading our Zarr arrays with zarrita.js, which knows nothing of us. */
import * as zarr from 'zarrita'

interface Where {
  readonly topLeft: readonly number[]
  readonly size: readonly number[]
  readonly time?: number | undefined
}

/**
 * The voxels of the box, at one time where there are times: c fastest, then x, y, z, little endian. `axes`: the order of the array's, with
 * t after or before the channel. Throws where something lies outside of the box in an array without times.
 */
export async function wholeBox(
  array: zarr.Array<zarr.DataType, zarr.Readable>,
  { topLeft, size, time }: Where,
  axes: 'cxyz' | 'czyx' = 'cxyz',
): Promise<Uint8Array> {
  // a whole cube file of nothing is not worth reading
  const isPart = time !== undefined || array.shape.reduce((product, edge) => product * edge) > 2 ** 22
  const space = topLeft.map((start, d) => zarr.slice(start, start + size[d]!))
  const at = time === undefined ? [] : [time]
  const box = axes === 'cxyz' ? [null, ...at, ...space] : [...at, null, ...space.reverse()]
  const first = isPart ? [0, 0, 0] : topLeft
  const { data, shape, stride } = (await zarr.get(array, isPart ? box : null)) as zarr.Chunk<zarr.NumberDataType | zarr.BigintDataType>
  const values = data as unknown as Uint8Array
  const [channels] = shape as [number, number, number, number]
  const [cStep, xStep, yStep, zStep] = (axes === 'cxyz' ? stride : [stride[0], stride[3], stride[2], stride[1]]) as [
    number,
    number,
    number,
    number,
  ]
  const out = new (values.constructor as Uint8ArrayConstructor)(channels * size[0]! * size[1]! * size[2]!)
  let n = 0
  for (let z = 0; z < size[2]!; z++)
    for (let y = 0; y < size[1]!; y++)
      for (let x = 0; x < size[0]!; x++)
        for (let c = 0; c < channels; c++)
          out[n++] = values[c * cStep + (x + first[0]!) * xStep + (y + first[1]!) * yStep + (z + first[2]!) * zStep]!
  const count = (all: Uint8Array) => all.reduce((sum, value) => sum + (Number(value) === 0 ? 0 : 1), 0)
  if (count(values) !== count(out)) throw new Error('voxels outside of the box')
  return new Uint8Array(out.buffer)
}
