/** The rules of docs/datasets.md, one test each. */
import { describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Discovery, discover } from '../../src/datasets/discover.ts'
import { AllowedFolders } from '../../src/stores/allowed.ts'
import { FileHandles } from '../../src/stores/handles.ts'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

const look = async (path: string, allow: string[] = []): Promise<Discovery> =>
  discover(path, { organization: 'sample_organization', allowed: await AllowedFolders.of(allow), handles: new FileHandles() })

/** `organization/dataset: layer×slices, …` of all datasets, sorted. */
const shapeOf = ({ datasets }: Discovery): string[] =>
  datasets
    .map(({ organization, name, descriptor }) => {
      const layers = descriptor?.images?.map((image) => (image.slices.length > 1 ? `${image.name}×${image.slices.length}` : image.name))
      return `${organization}/${name}${layers ? `: ${layers.join(', ')}` : ''}`
    })
    .sort()

function folderWith(...files: string[]): string {
  const folder = emptyFolder()
  for (const file of files) writeTinyTiff(join(folder, file))
  return folder
}

const wkw = (folder: string, properties = true) => {
  cpSync(join(GOLDEN, 'data/wkw', properties ? 'rgb' : 'no_properties'), folder, { recursive: true })
}

describe('organizations', () => {
  test('DIR/binary/<organization>/<dataset> if DIR/binary exists', async () => {
    const folder = folderWith('binary/lab/scan/color.tif', 'elsewhere/other/color.tif')
    expect(shapeOf(await look(folder))).toEqual(['lab/scan: color'])
  })

  test('DIR/<organization>/<dataset> otherwise', async () => {
    expect(shapeOf(await look(folderWith('lab/scan/color.tif', 'lab/scan2/color.tif')))).toEqual(['lab/scan2: color', 'lab/scan: color'])
  })

  test('a folder that is itself a dataset belongs to the default organization', async () => {
    const folder = folderWith('images/color.tif')
    wkw(join(folder, 'cells'))
    wkw(join(folder, 'bare'), false)
    expect(shapeOf(await look(folder))).toEqual([
      'sample_organization/bare',
      'sample_organization/cells',
      'sample_organization/images: color',
    ])
    expect(shapeOf(await look(join(folder, 'cells')))).toEqual(['sample_organization/cells'])
  })

  test('a folder with info is one dataset, and so is one whose folders have an info each', async () => {
    const folder = emptyFolder()
    for (const path of ['cloud', 'lab/cloud', 'lab/layers/a', 'lab/layers/b', 'lab/layers/notes'])
      mkdirSync(join(folder, path), { recursive: true })
    for (const path of ['cloud', 'lab/cloud', 'lab/layers/a', 'lab/layers/b']) writeFileSync(join(folder, path, 'info'), '{}')
    const found = async (path: string, isArgument: boolean) =>
      (
        await discover(path, {
          organization: 'sample_organization',
          handles: new FileHandles(),
          allowed: await AllowedFolders.of([]),
          isArgument,
        })
      ).datasets
        .map(({ organization, name, descriptor, rule }) => `${organization}/${name} ${descriptor?.format} ${rule}`)
        .sort()
    expect(await found(folder, false)).toEqual([
      'lab/cloud neuroglancer info file',
      'lab/layers neuroglancer <layer>/info files',
      'sample_organization/cloud neuroglancer info file',
    ])
    // given by itself a folder is a dataset of the layers in it; as a data folder it holds datasets
    const layers = join(folder, 'lab/layers')
    expect(await found(layers, true)).toEqual(['sample_organization/layers neuroglancer <layer>/info files'])
    expect(await found(layers, false)).toEqual([
      'sample_organization/a neuroglancer info file',
      'sample_organization/b neuroglancer info file',
    ])
  })
})

describe('TIFF files', () => {
  test('in a dataset folder each is a layer', async () => {
    const folder = folderWith('lab/scan/color.tif', 'lab/scan/segmentation.tiff', 'lab/scan/notes.txt')
    expect(shapeOf(await look(folder))).toEqual(['lab/scan: color, segmentation'])
  })

  test('lying directly in the data folder each is a dataset of its own', async () => {
    expect(shapeOf(await look(folderWith('brain.tif', 'liver.ome.tif')))).toEqual([
      'sample_organization/brain: brain',
      'sample_organization/liver: liver',
    ])
  })

  test('color* and segmentation* of equal extent are the layers of one dataset named after the folder', async () => {
    const folder = folderWith('color.tif', 'segmentation_final.tif', 'brain.tif')
    writeTinyTiff(join(folder, 'labels.tif'), 9, 9)
    const name = basename(folder)
    expect(shapeOf(await look(folder))).toEqual(
      [
        'sample_organization/brain: brain',
        'sample_organization/labels: labels',
        `sample_organization/${name}: color, segmentation_final`,
      ].sort(),
    )
  })

  test('given as an argument a file is a dataset', async () => {
    expect(shapeOf(await look(join(folderWith('brain.tif', 'liver.tif'), 'brain.tif')))).toEqual(['sample_organization/brain: brain'])
  })
})

describe('z-stacks', () => {
  const slicesOf = async (folder: string) =>
    (await look(folder)).datasets[0]?.descriptor?.images?.[0]?.slices.map(({ key, z }) => `${key}@${z}`)

  test('files that differ in one run of digits are one, named by what they have in common', async () => {
    const folder = folderWith('lab/scan/slice_001.tif', 'lab/scan/slice_002.tif', 'lab/scan/slice_010.tif')
    expect(shapeOf(await look(folder))).toEqual(['lab/scan: slice×3'])
    expect(await slicesOf(folder)).toEqual(['slice_001.tif@0', 'slice_002.tif@1', 'slice_010.tif@9'])
  })

  test('a constant step is collapsed', async () => {
    expect(await slicesOf(folderWith('lab/s/z10.tif', 'lab/s/z20.tif', 'lab/s/z40.tif'))).toEqual(['z10.tif@0', 'z20.tif@1', 'z40.tif@3'])
  })

  test('with nothing in common it is named after the folder', async () => {
    expect(shapeOf(await look(folderWith('lab/scan/0001.tif', 'lab/scan/0002.tif')))).toEqual(['lab/scan: scan×2'])
  })

  test('numbers count as numbers, not as text', async () => {
    expect(await slicesOf(folderWith('lab/s/z9.tif', 'lab/s/z10.tif', 'lab/s/z8.tif'))).toEqual(['z8.tif@0', 'z9.tif@1', 'z10.tif@2'])
  })

  test('another size or more than one page keeps a file out', async () => {
    const folder = folderWith('lab/s/z1.tif', 'lab/s/z2.tif')
    writeTinyTiff(join(folder, 'lab/s/z3.tif'), 9, 9)
    writeTinyTiff(join(folder, 'lab/s/z4.tif'), 8, 8, 1, 2)
    expect(shapeOf(await look(folder))).toEqual(['lab/s: z×2, z3, z4'])
  })

  test('lying loose they are one dataset', async () => {
    expect(shapeOf(await look(folderWith('scan_1.tif', 'scan_2.tif')))).toEqual(['sample_organization/scan: scan×2'])
  })
})

describe('what is left out', () => {
  test('dot-files, litter of file managers, unfinished files', async () => {
    const folder = folderWith(
      'lab/s/a.tif',
      'lab/s/._a.tif',
      'lab/s/.b.tif',
      'lab/s/c.tif.tmp',
      'lab/@eaDir/x.tif',
      '#recycle/s/x.tif',
      '.snapshot/s/x.tif',
    )
    writeFileSync(join(folder, 'lab/s/Thumbs.db'), '')
    expect(shapeOf(await look(folder))).toEqual(['lab/s: a'])
  })

  test('a FIFO, a folder with the name of an image, a link that leads nowhere', async () => {
    const folder = folderWith('lab/s/a.tif')
    mkdirSync(join(folder, 'lab/s/folder.tif'))
    Bun.spawnSync(['mkfifo', join(folder, 'lab/s/pipe.tif')])
    symlinkSync(join(folder, 'gone.tif'), join(folder, 'lab/s/link.tif'))
    expect(shapeOf(await look(folder))).toEqual(['lab/s: a'])
  })

  test('folders that hold images and were not taken are named', async () => {
    const { datasets, notes } = await look(folderWith('lab/scan/deep/a.tif', 'lab/scan/deep/b.tif'))
    expect([datasets, notes]).toEqual([[], [expect.stringMatching(/lab\/scan holds 2 images but was not taken/)]])
  })

  test('a folder that cannot be read is a note, not an exception', async () => {
    expect(await look(join(emptyFolder(), 'nothing'))).toMatchObject({
      datasets: [],
      lost: 'all',
      notes: [expect.stringContaining('cannot be read')],
    })
  })
})

describe('links', () => {
  test('one that leads out is refused with the flag, and followed below an allowed folder', async () => {
    const outside = folderWith('shared/color.tif')
    const folder = folderWith('lab/own/color.tif')
    symlinkSync(join(outside, 'shared'), join(folder, 'lab/shared'))
    const refused = (await look(folder)).datasets.find(({ name }) => name === 'shared')
    expect(refused).toMatchObject({ reason: expect.stringContaining(`--allow-path ${outside}`), leadsTo: join(outside, 'shared') })
    expect(shapeOf(await look(folder, [dirname(join(outside, 'x'))]))).toEqual(['lab/own: color', 'lab/shared: color'])
  })

  test('a dataset of nothing but layers that lead out is listed with the flag', async () => {
    const outside = emptyFolder()
    wkw(join(outside, 'cells'), false)
    const folder = emptyFolder()
    mkdirSync(join(folder, 'lab/cells'), { recursive: true })
    symlinkSync(join(outside, 'cells/segmentation'), join(folder, 'lab/cells/segmentation'))
    expect((await look(folder)).datasets).toMatchObject([{ name: 'cells', leadsTo: join(outside, 'cells/segmentation') }])
  })
})

test('the fingerprint changes with the files and with nothing else', async () => {
  const folder = folderWith('lab/s/a.tif')
  const fingerprint = async () => (await look(folder)).datasets[0]?.fingerprint
  const before = await fingerprint()
  expect(await fingerprint()).toBe(before!)
  writeTinyTiff(join(folder, 'lab/s/a.tif'), 8, 8, 2)
  expect(await fingerprint()).not.toBe(before!)
})
