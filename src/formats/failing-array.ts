import type { Box } from '../volume/box.ts'
import type { ChunkedArray } from '../volume/chunked-array.ts'
import type { DataType } from '../volume/data-type.ts'
import { CorruptChunk } from '../volume/errors.ts'
import { ONE, type Vec3, ZERO } from '../volume/vec.ts'

/**
 * A mag that is listed but cannot be read: every request for it fails with the reason, because an empty answer would say that
 * nothing is stored there.
 */
export class FailingArray implements ChunkedArray {
  readonly gridOrigin = ZERO
  readonly chunkSize: Vec3 = ONE
  readonly id: string
  readonly dataType: DataType
  readonly channels: number
  readonly box: Box
  readonly reason: string

  constructor(id: string, dataType: DataType, channels: number, box: Box, reason: string) {
    this.id = id
    this.dataType = dataType
    this.channels = channels
    this.box = box
    this.reason = reason
  }

  readChunk(): never {
    throw new CorruptChunk({ cause: this.reason })
  }
}
