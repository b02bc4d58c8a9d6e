/**
 * The inner loops of baseline JPEG, compiled by `bun codecs/wasm/build.ts`. codecs/jpeg-baseline.ts parses the markers and calls them.
 *
 * Spec: ITU-T T.81. Bit for bit what libjpeg-turbo gives: its accurate integer DCT (jidctint.c), its triangle filter for chroma
 * (jdsample.c) and its fixed-point colours (jdcolor.c), because those are the pixels every other reader of the field shows.
 */
export { colourRow, interleaveRow, upsampleRow, upsampleRows } from './jpeg-colour.as'
export { components, decodeScan, quantizers } from './jpeg-scan.as'
export { countSegments, unstuff } from './jpeg-segments.as'
export { buildTable, heapBase } from './jpeg-tables.as'
