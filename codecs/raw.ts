import { type Codec, CodecError } from './codec.ts'

/** Stored as they are. */
export const raw: Codec = {
  nsPerByte: 0.1,
  decode(source, target) {
    if (source.length > target.length) throw new CodecError(`${source.length} bytes where ${target.length} were expected`)
    target.set(source)
    return source.length
  },
}
