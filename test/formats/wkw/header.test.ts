import { describe, expect, test } from 'bun:test'
import { blockIndex, parseHeader } from '../../../src/formats/wkw/header.ts'
import { CorruptChunk } from '../../../src/volume/errors.ts'

const header = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

test('headers seen in the wild', () => {
  expect(parseHeader(header('574b57 01 23 01 01 03 1000000000000000'), 'f')).toMatchObject({
    blockLength: 8,
    fileLength: 4,
    blockType: 'raw',
    dataType: 'uint8',
    channels: 3,
    dataOffset: 16,
  })
  expect(parseHeader(header('574b57 01 05 02 03 04 1800000000000000'), 'f')).toMatchObject({
    blockLength: 32,
    fileLength: 1,
    blockType: 'lz4',
    dataType: 'uint32',
    channels: 1,
    dataOffset: 24,
  })
  expect(parseHeader(header('574b57 01 55 03 07 01 0000000000000000'), 'f')).toMatchObject({
    blockLength: 32,
    fileLength: 32,
    dataType: 'int8',
  })
})

describe('a header that is none', () => {
  test.each([
    ['other letters', '50 4b 57 01 23 01 01 03 1000000000000000', /"WKW"/],
    ['another version', '574b57 02 23 01 01 03 1000000000000000', /version 2/],
    ['an unknown block type', '574b57 01 23 09 01 03 1000000000000000', /block type 9/],
    ['an unknown voxel type', '574b57 01 23 01 0b 03 1000000000000000', /voxel type 11/],
    ['bytes that are no multiple of the sample', '574b57 01 23 01 02 03 1000000000000000', /3 bytes/],
    ['no bytes per voxel', '574b57 01 23 01 01 00 1000000000000000', /0 bytes/],
  ])('%s', (_, hex, words) => {
    const parse = () => parseHeader(header(hex), 'lab/x0.wkw')
    expect(parse).toThrow(CorruptChunk)
    expect(parse).toThrow(words)
    expect(parse).toThrow('lab/x0.wkw')
  })
})

test('blocks lie in Morton order, x in the lowest bit', () => {
  expect(blockIndex(29, 20, 3)).toBe(13029)
  expect(blockIndex(23, 20, 3)).toBe(12525)
  expect([blockIndex(1, 0, 0), blockIndex(0, 1, 0), blockIndex(0, 0, 1), blockIndex(2, 0, 0)]).toEqual([1, 2, 4, 8])
})
