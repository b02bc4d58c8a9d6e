/** What the API says, in good shape and in bad. */
import { describe, expect, test } from 'bun:test'
import { levelsOf, parseChannel, parseExperiment, parseFrame } from '../../../src/formats/boss/metadata.ts'
import { CHANNELS, FRAME } from '../../support/boss-server.ts'

const experiment = (more = {}) =>
  parseExperiment({ coord_frame: 'f', num_hierarchy_levels: 3, hierarchy_method: 'anisotropic', ...more }, 'e')

describe('a coordinate frame', () => {
  test.each([
    ['nanometers', 4, 4],
    ['micrometers', 0.004, 4],
    ['millimeters', 0.000004, 4],
    ['centimeters', 4e-7, 4],
  ])('in %s', (voxel_unit, size, nm) => {
    const frame = parseFrame({ ...FRAME, voxel_unit, x_voxel_size: size, y_voxel_size: size, z_voxel_size: size * 10 }, 'f')
    expect(frame.nm).toEqual([nm, nm, nm * 10])
    expect(frame.box).toEqual({ min: [0, 8, 2], max: [540, 60, 21] })
  })

  test.each([
    [{ x_stop: 0 }, /from 0, 8, 2 to 0, 60, 21: there is nothing in it/],
    [{ voxel_unit: 'parrots' }, /is in "parrots"; set its scale in nm/],
    [{ y_voxel_size: 0 }, /coordinate frame f is not described as BossDB does: \/y_voxel_size/],
    [{ z_stop: 1e15 }, /\/z_stop/],
    [{ z_stop: '9' }, /\/z_stop/],
  ])('with %p is refused', (wrong, reason) => expect(() => parseFrame({ ...FRAME, ...wrong }, 'f')).toThrow(reason))
})

describe('a channel', () => {
  test('keeps the type of its voxels', () => {
    expect(parseChannel(CHANNELS.cells, 'cells')).toMatchObject({ category: 'segmentation', dataType: 'uint64', base: 0 })
    expect(parseChannel(CHANNELS.fluo, 'fluo')).toMatchObject({ category: 'color', dataType: 'uint16' })
    expect(parseChannel(CHANNELS.parts, 'parts')).toMatchObject({ dataType: 'uint32', base: 1 })
  })

  test.each([
    [{ datatype: 'float32' }, /voxels are "float32"; uint8, uint16, uint32, uint64 can be read/],
    [{ type: 'vectors' }, /type is "vectors"/],
    [{ datatype: 'uint64' }, /image of uint64, which webKnossos shows only as a segmentation/],
    [{ base_resolution: -1 }, /base_resolution/],
  ])('with %p is refused', (wrong, reason) => expect(() => parseChannel({ ...CHANNELS.em, ...wrong }, 'em')).toThrow(reason))
})

describe('levels', () => {
  const em = parseChannel(CHANNELS.em, 'em')
  const factors = (channel: typeof em, json: unknown, method = 'anisotropic') =>
    levelsOf(channel, experiment({ hierarchy_method: method }), json).levels.map(({ factor }) => factor)

  test('follow from the voxel sizes of the hierarchy', () => {
    const voxel_size = { '0': [4, 4, 40], '1': [8, 8, 40], '2': [16, 16, 80] }
    expect(factors(em, { status: 'DOWNSAMPLED', voxel_size })).toEqual([
      [1, 1, 1],
      [2, 2, 1],
      [4, 4, 2],
    ])
  })

  test('or from the method, where it states none', () => {
    expect(factors(em, { status: 'DOWNSAMPLED' })).toEqual([
      [1, 1, 1],
      [2, 2, 1],
      [4, 4, 1],
    ])
    expect(factors(em, { status: 'DOWNSAMPLED' }, 'isotropic')).toEqual([
      [1, 1, 1],
      [2, 2, 2],
      [4, 4, 4],
    ])
  })

  test('begin at the base of the channel', () => {
    expect(factors({ ...em, base: 1 }, { status: 'DOWNSAMPLED' })).toEqual([
      [2, 2, 1],
      [4, 4, 1],
    ])
  })

  test.each(['NOT_DOWNSAMPLED', 'IN_PROGRESS', 'QUEUED', 'FAILED'])('%s: only the base, and it is said', (status) => {
    const { levels, note } = levelsOf({ ...em, base: 1 }, experiment(), { status })
    expect(levels.map(({ factor }) => factor)).toEqual([[2, 2, 1]])
    expect(note).toMatch(/channel em .*: only its level 1 is there/)
  })

  test.each([
    [{ voxel_size: { '0': [4, 4, 40], '1': [6, 8, 40] } }, /level 1 of channel em has voxels of 6×8×40, no multiple of 4×4×40/],
    [{ voxel_size: { '0': [0, 4, 40], '1': [6, 8, 40] } }, /no multiple/],
    [{ cuboid_size: { '0': [512, 512, 1e9] } }, /cuboids of channel em have 512×512×1000000000 voxels/],
    [{ num_hierarchy_levels: 400 }, /num_hierarchy_levels/],
  ])('%p is refused', (wrong, reason) => {
    expect(() => levelsOf(em, experiment(), { status: 'DOWNSAMPLED', num_hierarchy_levels: 2, ...wrong })).toThrow(reason)
  })
})
