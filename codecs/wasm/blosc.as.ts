/**
 * What Blosc 1 needs beside the codecs there are, compiled by `bun codecs/wasm/build.ts` to the blosc.wasm that lies beside it: BloscLZ
 * and Snappy decoders, and undoing the two shuffles. LZ4 is compiled in, so that a stream is decoded and unshuffled in one memory.
 */
export { blosclz } from './blosclz.as'
export { gatherBits } from './gather-bits.as'
export { decode as lz4 } from './lz4.as'
export { snappy } from './snappy.as'
export { isOneByte, unshuffle } from './unshuffle.as'
