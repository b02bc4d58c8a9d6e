/** Files that lie: each ends in a reason or a failure that names it, in bounded time and memory. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import type { Resources } from '../../../src/datasets/open.ts'
import { CorruptChunk } from '../../../src/volume/errors.ts'
import { emptyFolder } from '../../support/binary.ts'
import { buildTiff, greyPage, type TagSpec } from '../../support/build-tiff.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

function fileOf(bytes: Uint8Array, name = 'color.tif'): string {
  const path = join(emptyFolder(), name)
  writeFileSync(path, bytes)
  return path
}

const page = (more: readonly TagSpec[] = [], next?: number) => ({ tags: greyPage(16, 16, 4096, more), ...(next !== undefined && { next }) })
const padded = (bytes: Uint8Array, to = 8192): Uint8Array => Buffer.concat([bytes, new Uint8Array(Math.max(0, to - bytes.length))])

describe('a reason when it is opened', () => {
  const loop = buildTiff([page(), page([], 8)])
  test.each<readonly [string, Uint8Array, RegExp]>([
    ['a chain of pages that leads back', padded(loop.bytes), /chain of pages is a loop/],
    ['a page that follows itself', padded(buildTiff([page([], 8)]).bytes), /chain of pages is a loop/],
    ['a first page behind the end', Buffer.from('II*\0\xff\xff\xff\x7f', 'latin1'), /page directory at 2147483647, the file ends at 8/],
    ['no first page', Buffer.from('II*\0\0\0\0\0', 'latin1'), /has no page yet/],
    [
      'a tile table longer than the file',
      padded(buildTiff([page([{ tag: 273, type: 4, count: 2 ** 31, at: 100 }])]).bytes),
      /2147483648 values of tag 273/,
    ],
    [
      'counts that overflow',
      padded(buildTiff([page([{ tag: 273, type: 16, count: 2n ** 63n, at: 100 }])], true).bytes),
      /values of tag 273 lie at 100/,
    ],
    ['a palette of four billion colours', padded(buildTiff([page([{ tag: 320, type: 3, count: 2 ** 32 - 1, at: 100 }])]).bytes), /tag 320/],
    [
      'four billion pixels in one compressed strip',
      padded(buildTiff([{ tags: greyPage(65_535, 65_535, 4096, [{ tag: 259, type: 3, values: [8] }]) }]).bytes),
      /at most 268435456 are decoded at once/,
    ],
    [
      'tiles of 2^31',
      padded(
        buildTiff([
          page([
            { tag: 322, type: 4, values: [2 ** 31 - 1] },
            { tag: 323, type: 4, values: [2 ** 31 - 1] },
          ]),
        ]).bytes,
      ),
      /decoded at once/,
    ],
    [
      'tiles of no width',
      padded(
        buildTiff([
          page([
            { tag: 322, type: 4, values: [0] },
            { tag: 323, type: 4, values: [16] },
          ]),
        ]).bytes,
      ),
      /tiles of 0×16/,
    ],
    ['an image of no height', padded(buildTiff([page([{ tag: 257, type: 4, values: [0] }])]).bytes), /16×0 pixels/],
  ])('%s', async (_, bytes, reason) => {
    const opening = openPath(fileOf(bytes), resources).then(async ({ layers }) => readBox(layers[0]!, [1, 1, 1], [0, 0, 0], [4, 4, 1]))
    await expect(opening).rejects.toThrow(reason)
  })
})

describe('a failure when it is read, never zeros', () => {
  const compressed = (data: Uint8Array, compression: number) =>
    Buffer.concat([
      padded(
        buildTiff([
          page([
            { tag: 259, type: 3, values: [compression] },
            { tag: 279, type: 4, values: [data.length] },
          ]),
        ]).bytes,
        4096,
      ),
      data,
    ])
  test.each<readonly [string, Uint8Array, RegExp]>([
    ['a strip behind the end', padded(buildTiff([page([{ tag: 273, type: 4, values: [10_000_000] }])]).bytes), /the file ends at 8192/],
    [
      'a strip of fewer bytes than its rows',
      padded(buildTiff([page([{ tag: 279, type: 4, values: [100] }])]).bytes),
      /100 bytes instead of 256/,
    ],
    [
      'a strip that claims gigabytes',
      padded(
        buildTiff([
          page([
            { tag: 259, type: 3, values: [8] },
            { tag: 279, type: 4, values: [2 ** 32 - 1] },
          ]),
        ]).bytes,
      ),
      /4294967295 bytes lie at 4096, the file ends at 8192/,
    ],
    ['garbage', compressed(new Uint8Array(8), 8), /Deflate/],
    ['a Deflate bomb', compressed(deflateSync(new Uint8Array(100_000_000)), 8), /more than the 256 bytes|claims \d+ compressed bytes/],
    ['a Zstandard bomb', compressed(zstdCompressSync(new Uint8Array(100_000_000)), 50000), /Zstd/],
    ['too few decoded bytes', compressed(deflateSync(new Uint8Array(20)), 8), /20 bytes instead of 256/],
  ])('%s', async (_, bytes, reason) => {
    const { layers } = await openPath(fileOf(bytes), resources)
    const reading = readBox(layers[0]!, [1, 1, 1], [0, 0, 0], [16, 16, 1])
    await expect(reading).rejects.toThrow(reason)
    await expect(readBox(layers[0]!, [1, 1, 1], [0, 0, 0], [16, 16, 1])).rejects.toBeInstanceOf(CorruptChunk)
  })
})

describe('OME-XML', () => {
  const withXml = (xml: string) =>
    Buffer.concat([padded(buildTiff([page([{ tag: 270, type: 2, values: xml }])]).bytes, 4096), new Uint8Array(256).fill(9)])
  const pixels = (inner: string, sizes = 'SizeX="16" SizeY="16" SizeZ="1" SizeC="1" SizeT="1"') =>
    `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image><Pixels DimensionOrder="XYZCT" Type="uint8" ${sizes}>${inner}</Pixels></Image></OME>`

  test('an entity bomb is not expanded', async () => {
    const entities = Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('')
    const xml = `<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY e0 "ha">${entities}]>${pixels('<Channel Name="&e20;"/><TiffData/>')}`
    const { layers } = await openPath(fileOf(withXml(xml), 'bomb.ome.tif'), resources)
    expect([layers[0]!.name, (await readBox(layers[0]!, [1, 1, 1], [0, 0, 0], [1, 1, 1]))[0]]).toEqual(['bomb', 9])
  })

  test('elements that never end take no time', async () => {
    const xml = `${pixels('<TiffData/>')}${'<Image '.repeat(20_000)}${'<Pixels <Channel '.repeat(20_000)}`
    const { layers } = await openPath(fileOf(withXml(xml), 'open.ome.tif'), resources).catch((error) => ({ layers: String(error) }))
    expect(layers).toBeTruthy()
  })

  test.each([
    ['outside its folder', '../../secret.tif'],
    ['an absolute path', '/etc/passwd'],
    ['a Windows path', '..\\..\\secret.tif'],
  ])('a set whose files lie elsewhere (%s) is refused by name', async (_, name) => {
    const root = emptyFolder()
    mkdirSync(join(root, 'data/set'), { recursive: true })
    writeFileSync(join(root, 'secret.tif'), withXml(''))
    const companion = pixels(`<TiffData IFD="0" FirstZ="0"><UUID FileName="${name}">urn:uuid:1</UUID></TiffData>`)
    writeFileSync(join(root, 'data/set/all.companion.ome'), companion)
    writeFileSync(
      join(root, 'data/set/part.ome.tif'),
      withXml('<OME><BinaryOnly MetadataFile="all.companion.ome" UUID="urn:uuid:1"/></OME>'),
    )
    const { layers, broken, notes } = await openPath(join(root, 'data'), resources)
    expect(broken).toEqual([expect.objectContaining({ name: 'all', status: expect.stringMatching(/which is not in its own folder/) })])
    // the other file has pages of its own, and says why they are shown alone
    expect(layers.map((layer) => layer.name)).toEqual(['part'])
    expect(notes).toContainEqual(expect.stringMatching(/companion.*not in its own folder.*by itself/))
    rmSync(root, { recursive: true })
  })

  test.each([
    ['sizes', pixels('<TiffData/>', 'SizeX="16" SizeY="16" SizeZ="99999999999" SizeC="1" SizeT="1"'), /SizeZ="99999999999"/],
    ['planes', pixels('<TiffData/>', 'SizeX="16" SizeY="16" SizeZ="100000" SizeC="1000" SizeT="1000"'), /claims 100000000000 planes/],
    ['orders', pixels('<TiffData/>').replace('XYZCT', 'ZYXCT'), /DimensionOrder="ZYXCT"/],
    ['numbers of pages', pixels('<TiffData IFD="-5"/>'), /IFD="-5"/],
  ])('%s that make no sense are a reason', async (_, xml, reason) => {
    await expect(openPath(fileOf(withXml(xml), 'bad.ome.tif'), resources)).rejects.toThrow(reason)
  })
})
