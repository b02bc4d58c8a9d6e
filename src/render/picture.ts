/** A slice of a layer as PNG. Pictures made are kept, a few megabytes of them; who asks for one being made shares it. */
import type { Layer } from '../volume/chunked-array.ts'
import type { ChunkReader } from '../volume/cutout.ts'
import { Pace } from '../volume/pace.ts'
import { paint } from './colours.ts'
import { readPlane } from './plane.ts'
import { encodePng } from './png.ts'

const KEPT_BYTES = 16 * 1024 * 1024
export const LONGEST_EDGE = 512

export class Pictures {
  readonly #chunks: ChunkReader
  readonly #made = new Map<string, Uint8Array<ArrayBuffer>>()
  readonly #making = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  #bytes = 0

  constructor(chunks: ChunkReader) {
    this.#chunks = chunks
  }

  /** `versionedId`: of the dataset; a reload makes new pictures. Throws what reading throws. */
  async slice(versionedId: string, layer: Layer, z: number | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const key = `${versionedId}/${layer.name}/${z ?? ''}`
    const made = this.#made.get(key)
    if (made) return made
    const making = this.#making.get(key)
    if (making) return making
    const work = this.#draw(layer, z).finally(() => this.#making.delete(key))
    this.#making.set(key, work)
    const picture = await work
    this.#made.set(key, picture)
    this.#bytes += picture.length
    for (const [oldest, { length }] of this.#made) {
      if (this.#bytes <= KEPT_BYTES) break
      this.#made.delete(oldest)
      this.#bytes -= length
    }
    return picture
  }

  async #draw(layer: Layer, z: number | undefined): Promise<Uint8Array<ArrayBuffer>> {
    const plane = await readPlane(layer, z, LONGEST_EDGE, { chunks: this.#chunks, pace: new Pace() })
    return encodePng(paint(plane, layer))
  }
}
