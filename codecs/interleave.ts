import type { Filter } from './codec.ts'

/** Channel after channel to channels side by side, in place. Options: `channels`, `sampleBytes`. */
export const interleave: Filter = {
  nsPerByte: 2,
  apply(bytes, options) {
    const channels = Number(options?.['channels'])
    const size = Number(options?.['sampleBytes'])
    const voxels = Math.floor(bytes.length / (channels * size))
    const planes = bytes.slice()
    for (let c = 0, from = 0; c < channels; c++) {
      for (let v = 0, to = c * size; v < voxels; v++, to += channels * size) {
        for (let b = 0; b < size; b++) bytes[to + b] = planes[from++]!
      }
    }
  },
}
