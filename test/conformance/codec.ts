/** What every codec of bytes must do. `encode` is somebody else's encoder, or written for the test. */
import { describe, expect, test } from 'bun:test'
import { CodecError } from '../../codecs/codec.ts'
import { loadPipeline } from '../../codecs/decoder.ts'
import { seededRandom } from '../support/random.ts'

export interface CodecCase {
  readonly codec: string
  readonly encode: (bytes: Uint8Array) => Uint8Array
  /** TIFF writers pad the last row: such codecs stop when the target is full, and that is no error. */
  readonly stopsWhenFull?: boolean
}

const random = seededRandom('codec')
export const SAMPLES: Record<string, Uint8Array> = {
  'one byte': Uint8Array.of(7),
  'all alike': new Uint8Array(40_000).fill(3),
  noise: Uint8Array.from({ length: 40_000 }, () => random(256)),
  steps: Uint8Array.from({ length: 40_000 }, (_, i) => (i >> 4) & 255),
  'short repeats': Uint8Array.from({ length: 40_000 }, (_, i) => [1, 2, 3, 250][i % (3 + ((i >> 9) & 1))]!),
}

export function describeCodec({ codec, encode, stopsWhenFull = false }: CodecCase): void {
  /** Decodes into a target with a rim that must stay as it is. */
  async function decodeGuarded(source: Uint8Array, size: number): Promise<Uint8Array> {
    const memory = new Uint8Array(size + 128).fill(0xa5)
    const target = memory.subarray(64, 64 + size)
    try {
      ;(await loadPipeline({ codec })).run(source, target, size)
      return target
    } finally {
      expect([...memory.subarray(0, 64), ...memory.subarray(64 + size)].every((byte) => byte === 0xa5)).toBe(true)
    }
  }

  describe(codec, () => {
    test.each(Object.keys(SAMPLES))('%s comes back', async (sample) => {
      const bytes = SAMPLES[sample]!
      expect(Buffer.from(await decodeGuarded(encode(bytes), bytes.length)).equals(Buffer.from(bytes))).toBe(true)
    })

    test('more than was expected never lands behind the target', async () => {
      const reading = decodeGuarded(encode(SAMPLES['steps']!), 30_000)
      if (stopsWhenFull) expect(Buffer.from(await reading).equals(Buffer.from(SAMPLES['steps']!.subarray(0, 30_000)))).toBe(true)
      else await expect(reading).rejects.toBeInstanceOf(CodecError)
    })

    test('less than was asked for is an error', async () => {
      await expect(decodeGuarded(encode(SAMPLES['steps']!), 50_000)).rejects.toBeInstanceOf(CodecError)
    })

    test('an input cut off anywhere is an error', async () => {
      const whole = encode(SAMPLES['short repeats']!)
      for (let n = 0; n < 40; n++) {
        const cut = Math.floor((whole.length * n) / 41)
        await expect(decodeGuarded(whole.subarray(0, cut), 40_000)).rejects.toBeInstanceOf(CodecError)
      }
    })

    test('a damaged input is an error of ours or bytes, and stays inside the target', async () => {
      for (const sample of Object.values(SAMPLES)) {
        const whole = encode(sample)
        for (let n = 0; n < 60; n++) {
          const damaged = whole.slice()
          for (let flips = 1 + random(4); flips > 0; flips--) damaged[random(damaged.length)] = random(256)
          await decodeGuarded(damaged, sample.length).catch((error) => expect(error).toBeInstanceOf(CodecError))
        }
      }
    })
  })
}
