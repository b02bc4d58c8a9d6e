/** The golden cases: what the reference writers wrote and what their readers make of it (test/golden/README.md). */
import { join } from 'node:path'
import index from '../golden/index.json'

export const GOLDEN = join(import.meta.dir, '../golden')

export interface GoldenLayer {
  readonly name: string
  readonly elementClass: string
  readonly mag: readonly [number, number, number]
  /** Voxels of the mag. */
  readonly topLeft: readonly [number, number, number]
  readonly size: readonly [number, number, number]
  /** Of the voxels of the box: x fastest, then y, z; channels interleaved; little endian. */
  readonly sha256: string
}

export interface GoldenCase {
  /** Below GOLDEN. */
  readonly path: string
  readonly writer: string
  readonly organization: string
  readonly dataset: string
  readonly about: string
  readonly layers: readonly GoldenLayer[]
  /** The same layers at times 1, 2, …; `layers` are those at time 0. */
  readonly times?: readonly (readonly GoldenLayer[])[]
  /** A word of the reason for which it is not shown. */
  readonly refused?: string
}

export const goldenCases = index as unknown as readonly GoldenCase[]
export const readable = goldenCases.filter(({ refused }) => !refused)
export const refused = goldenCases.filter((one): one is GoldenCase & { refused: string } => one.refused !== undefined)

export const sha256 = (bytes: Uint8Array): string => new Bun.CryptoHasher('sha256').update(bytes).digest('hex')
