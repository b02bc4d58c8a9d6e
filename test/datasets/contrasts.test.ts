import { afterAll, describe, expect, test } from 'bun:test'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CatalogueEntry } from '../../src/datasets/catalogue.ts'
import { type Contrast, Contrasts } from '../../src/datasets/contrasts.ts'
import { dataSourceOf } from '../../src/datasets/data-source.ts'
import { idOf } from '../../src/datasets/found.ts'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { emptyFolder } from '../support/binary.ts'
import { memoryLayer } from '../support/layers.ts'

const folder = emptyFolder()
afterAll(() => chmodSync(folder, 0o755))

function entryOf(name: string, layers: readonly Layer[], fingerprint = 'as written'): CatalogueEntry {
  const found = { organization: 'lab', name, rule: '', fingerprint }
  const dataset = { layers, broken: [], voxelSize: { nm: [1, 1, 1], source: '' }, notes: [] } as const
  const versionedId = `lab/${name}@${fingerprint}`
  return {
    id: idOf('lab', name),
    organization: 'lab',
    name,
    found,
    versionedId,
    status: 'ok',
    isRemote: false,
    dataset,
    opened: Promise.resolve(),
  }
}

function contrasts(file: string | undefined, answer: (layer: Layer) => Promise<Contrast | undefined> = async () => [10, 20]) {
  const asked: string[] = []
  const measure = (layer: Layer) => {
    asked.push(layer.name)
    return answer(layer)
  }
  return { contrasts: new Contrasts({ file, measure }), asked }
}

const layer = (name: string, more: Partial<Layer> = {}): Layer => ({ ...memoryLayer({ size: [4, 4, 4] }), name, ...more })

describe('intensities of layers', () => {
  test('are measured once, in the background, and are in the data source from then on', async () => {
    const entry = entryOf('once', [layer('a'), layer('b')])
    const { contrasts: all, asked } = contrasts(undefined)
    const views = () =>
      (dataSourceOf(entry, { contrastOf: (one) => all.of(entry, one) }) as { dataLayers: { defaultViewConfiguration?: unknown }[] })
        .dataLayers
    expect(views().map(({ defaultViewConfiguration }) => defaultViewConfiguration)).toEqual([undefined, undefined])
    await all.settle([entry], 5000)
    expect(views().map(({ defaultViewConfiguration }) => defaultViewConfiguration)).toEqual([
      { intensityRange: [10, 20] },
      { intensityRange: [10, 20] },
    ])
    await all.settle([entry], 5000)
    expect(asked).toEqual(['a', 'b'])
  })

  test('are remembered for the next start, until the files change', async () => {
    const file = join(folder, 'contrast.json')
    const entry = entryOf('kept', [layer('a'), layer('none')])
    const first = contrasts(file, async ({ name }) => (name === 'a' ? [1, 2] : undefined))
    await first.contrasts.settle([entry], 5000)
    for (let n = 0; n < 100 && !(await Bun.file(file).exists()); n++) await Bun.sleep(50)
    const second = contrasts(file)
    await second.contrasts.settle([entry], 5000)
    expect([second.contrasts.of(entry, entry.dataset!.layers[0]!), second.asked]).toEqual([[1, 2], []])
    const changed = entryOf('kept', [layer('a')], 'written again')
    await second.contrasts.settle([changed], 5000)
    expect([second.contrasts.of(changed, changed.dataset!.layers[0]!), second.asked]).toEqual([[10, 20], ['a']])
    // what datasets.json says of a dataset may hold a password
    expect(readFileSync(file, 'utf8')).not.toContain('as written')
  })

  test('nobody waits for one that takes long', async () => {
    const entry = entryOf('slow', [layer('a')])
    const { promise, resolve } = Promise.withResolvers<Contrast>()
    const { contrasts: all } = contrasts(undefined, () => promise)
    const start = performance.now()
    await all.settle([entry], 30)
    expect(performance.now() - start).toBeLessThan(5000)
    expect(all.of(entry, entry.dataset!.layers[0]!)).toBeUndefined()
    resolve([3, 4])
    await all.settle([entry], 5000)
    expect(all.of(entry, entry.dataset!.layers[0]!)).toEqual([3, 4])
  })

  test('what cannot be read is not tried again at once, and holds up no other', async () => {
    const entry = entryOf('broken', [layer('bad'), layer('good')])
    const { contrasts: all, asked } = contrasts(undefined, async ({ name }) => {
      if (name === 'bad') throw new Error('damaged')
      return [5, 6]
    })
    await all.settle([entry], 5000)
    await all.settle([entry], 5000)
    expect([asked, all.of(entry, entry.dataset!.layers[1]!)]).toEqual([
      ['bad', 'good'],
      [5, 6],
    ])
  })

  test.each(['{', '[]', '{"version":1,"datasets":{"lab/x":3}}', '{"version":99,"datasets":{}}'])(
    'a file that says %s is none',
    async (text) => {
      const file = join(folder, 'broken.json')
      writeFileSync(file, text)
      const entry = entryOf('x', [layer('a')])
      const { contrasts: all } = contrasts(file)
      await all.settle([entry], 5000)
      expect(all.of(entry, entry.dataset!.layers[0]!)).toEqual([10, 20])
    },
  )

  test('what somebody stored wins, and the rest of it stays', async () => {
    const stored = layer('a', { extra: { defaultViewConfiguration: { intensityRange: [0, 5], color: [1, 2, 3] } } })
    const half = layer('b', { extra: { defaultViewConfiguration: { alpha: 50 } } })
    const entry = entryOf('stored', [stored, half])
    const { contrasts: all } = contrasts(undefined)
    await all.settle([entry], 5000)
    const { dataLayers } = dataSourceOf(entry, { contrastOf: (one) => all.of(entry, one) }) as {
      dataLayers: { defaultViewConfiguration: unknown }[]
    }
    expect(dataLayers.map(({ defaultViewConfiguration }) => defaultViewConfiguration)).toEqual([
      { intensityRange: [0, 5], color: [1, 2, 3] },
      { intensityRange: [10, 20], alpha: 50 },
    ])
  })
})

describe('the data source of a segmentation', () => {
  const largest = (id: number | bigint | undefined, bigIds: 'envelope' | 'clamp') => {
    const segmentation = layer('s', { category: 'segmentation', dataType: 'uint64', largestSegmentId: id })
    const { dataLayers } = dataSourceOf(entryOf('ids', [segmentation]), { bigIds }) as { dataLayers: { largestSegmentId: unknown }[] }
    return dataLayers[0]!.largestSegmentId
  }
  test('has a plain number as long as JSON can carry it, then an envelope for who reads one', () => {
    for (const bigIds of ['envelope', 'clamp'] as const) {
      expect([largest(7, bigIds), largest(7n, bigIds), largest(undefined, bigIds)]).toEqual([7, 7, Number.MAX_SAFE_INTEGER])
    }
    expect(largest(2n ** 64n - 1n, 'envelope')).toEqual({ customJsonEncoding: 'bigint', value: '18446744073709551615' })
    expect(largest(2n ** 64n - 1n, 'clamp')).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('names its additional axes', () => {
    const timed = layer('t', { additionalAxes: [{ name: 't', bounds: [0, 10] }] })
    const { dataLayers } = dataSourceOf(entryOf('axes', [timed])) as { dataLayers: { additionalAxes: unknown }[] }
    expect(dataLayers[0]!.additionalAxes).toEqual([{ name: 't', bounds: [0, 10], index: 1 }])
  })
})
