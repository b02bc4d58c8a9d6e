import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { finestOf } from '../../../src/formats/precomputed/mags.ts'
import { parseInfo } from '../../../src/formats/precomputed/metadata.ts'
import { follow, isRemote } from '../../../src/formats/precomputed/source.ts'
import { GOLDEN } from '../../support/golden.ts'

const scale = {
  key: '4_4_40',
  size: [100, 100, 100],
  resolution: [4, 4, 40],
  voxel_offset: [-3, 0, 7],
  chunk_sizes: [[64, 64, 64]],
  encoding: 'raw',
}
const info = { '@type': 'neuroglancer_multiscale_volume', type: 'image', data_type: 'uint8', num_channels: 1, scales: [scale] }
const withScale = (change: object) => ({ ...info, scales: [{ ...scale, ...change }] })

describe('what writers add or spell otherwise is taken', () => {
  test.each([
    ['data_type in capitals', { ...info, data_type: 'UInt8' }],
    ['encoding in capitals', withScale({ encoding: 'JPEG' })],
    ['no @type', { ...info, '@type': undefined }],
    ['no voxel_offset', withScale({ voxel_offset: undefined })],
    ['null where nothing is meant', withScale({ sharding: null, compressed_segmentation_block_size: null, voxel_offset: null })],
    [
      'keys of cloud-volume and igneous',
      { ...withScale({ locked: true, jxl_quality: 90, fpzip_precision: 3 }), mip: 0, rois: [], data_dir: 'x' },
    ],
    ['segment properties and skeletons', { ...info, skeletons: 'skeletons', segment_properties: { odd: 1 }, spatial_index: null }],
  ])('%s', (_, json) => {
    expect(parseInfo(json).scales).toHaveLength(1)
  })

  test('the folder of the meshes is known', () => {
    expect(parseInfo({ ...info, type: 'segmentation', mesh: 'mesh_mip_2' }).mesh).toBe('mesh_mip_2')
    expect(parseInfo(info).mesh).toBeUndefined()
  })
})

test.each([
  ['one_channel', 1],
  ['two_channels', 2],
])('info of neuroglancer itself: %s', (name, channels) => {
  const parsed = parseInfo(JSON.parse(readFileSync(join(GOLDEN, 'third-party/google+neuroglancer', name, 'info'), 'utf8')))
  expect([parsed.channels, parsed.scales.map(({ size }) => size)]).toEqual([
    channels,
    [
      [10, 20, 30],
      [5, 10, 15],
      [3, 5, 8],
    ],
  ])
})

describe('a wrong info is refused with the reason', () => {
  test.each([
    [[], /info at/],
    [{}, /info at/],
    [{ ...info, type: 'mesh' }, /type "mesh"/],
    [{ ...info, type: 'segmentation', num_channels: 3 }, /a segmentation has one/],
    [{ ...info, data_type: 'float64' }, /data_type "float64"/],
    [{ ...info, num_channels: 0 }, /num_channels/],
    [withScale({ size: [0, 1, 1] }), /size is 0×1×1/],
    [withScale({ size: [1.5, 1, 1] }), /size is 1.5/],
    [withScale({ voxel_offset: [0.5, 0, 0] }), /voxel_offset/],
    [withScale({ resolution: [0, 4, 4] }), /resolution/],
    [withScale({ chunk_sizes: [] }), /chunk_sizes/],
    [withScale({ chunk_sizes: [[64, 64, -1]] }), /chunk size is 64×64×-1/],
    [withScale({ encoding: 'webp' }), /"webp", known are raw/],
    [withScale({ encoding: 'constructor' }), /"constructor", known are raw/],
    [withScale({ encoding: 'compressed_segmentation' }), /cannot hold 1 × uint8/],
    [{ ...withScale({ encoding: 'compressed_segmentation' }), data_type: 'uint32' }, /block_size is undefined/],
    [{ ...withScale({ encoding: 'jpeg' }), num_channels: 2 }, /jpeg cannot hold 2 × uint8/],
    [withScale({ encoding: 'fpzip' }), /fpzip.*cloud-volume/],
    [
      withScale({
        chunk_sizes: [
          [64, 64, 64],
          [32, 32, 32],
        ],
        sharding: { '@type': 'neuroglancer_uint64_sharded_v1', hash: 'identity', preshift_bits: 0, minishard_bits: 0, shard_bits: 0 },
      }),
      /sharded and lists 2 chunk sizes/,
    ],
  ])('%p', (json, reason) => {
    expect(() => parseInfo(json)).toThrow(reason)
  })

  test('one bad scale takes no other along', () => {
    const parsed = parseInfo({ ...info, scales: [scale, { ...scale, key: 'bad', encoding: 'zfpc' }, 'nonsense'] })
    expect([parsed.scales.map(({ key }) => key), parsed.bad.map(({ key }) => key)]).toEqual([['4_4_40'], ['bad', '[2]']])
  })
})

test('the finest voxel of a dataset is that of all its layers', () => {
  const coarse = parseInfo(withScale({ resolution: [8, 8, 30] }))
  expect(finestOf([parseInfo(info), coarse])).toEqual([4, 4, 30])
  expect(finestOf([])).toBeUndefined()
})

describe('where a source leads on to', () => {
  test.each([
    ['gs://bucket/a/b', '../c', 'gs://bucket/a/c'],
    ['gs://bucket/a/b', 'gs://bucket/x', 'gs://bucket/x'],
    ['precomputed://https://host/a', 'precomputed://https://host/b', 'https://host/b'],
    ['https://host/a/|neuroglancer-precomputed:', 'b', 'https://host/a/b'],
    ['s3+https://minio/bucket/a', '../b', 's3+https://minio/bucket/b'],
    ['/data/a', '../b', '/data/b'],
    ['file:///data/a', 'b', '/data/a/b'],
  ])('%s, %s', (from, to, place) => {
    expect(follow(from, to, 'redirect')).toBe(place)
  })

  test.each([
    ['gs://bucket/a', '../../other/x'],
    ['gs://bucket/a', 'gs://other/x'],
    ['https://host/a', 'https://host.evil.example/a'],
    ['https://host/a', 'http://host/a'],
    ['https://host/a', 'file:///etc/passwd'],
    ['https://host/a', 'https://host@evil.example/a'],
    ['s3+https://minio/bucket/a', 's3+https://minio/other/a'],
    ['/data/a', 'https://host/a'],
    ['/data/a', 'precomputed://gs://bucket/a'],
  ])('not from %s to %s', (from, to) => {
    expect(() => follow(from, to, 'redirect')).toThrow(/its redirect leads from/)
  })

  test('what lies on the network', () => {
    expect(['gs://a/b', 'precomputed://s3://a', 'https://a', 'file:///a', '/a', 'a/b', 'C:\\a'].map(isRemote)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
