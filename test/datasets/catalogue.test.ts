import { describe, expect, test } from 'bun:test'
import { Catalogue, type Look } from '../../src/datasets/catalogue.ts'
import { difference } from '../../src/datasets/difference.ts'
import { sortEntries } from '../../src/datasets/entries.ts'
import { type FoundDataset, idOf } from '../../src/datasets/found.ts'
import { findStacks } from '../../src/datasets/stacks.ts'
import type { Dataset } from '../../src/volume/chunked-array.ts'
import { Unusable, UpstreamError } from '../../src/volume/errors.ts'

const found = (name: string, fingerprint = '1', reason?: string): FoundDataset => ({
  organization: 'lab',
  name,
  rule: 'test',
  fingerprint,
  ...(reason ? { reason } : { descriptor: { format: 'wkw', folder: `/${name}`, root: `/${name}` } }),
})
const dataset: Dataset = { layers: [], broken: [], voxelSize: { nm: [1, 1, 1], source: 'test' }, notes: [] }

function catalogueOf(...looks: FoundDataset[][]) {
  const opened: string[] = []
  const dropped: string[] = []
  let n = 0
  const catalogue = new Catalogue({
    look: async (): Promise<Look> => ({
      datasets: looks[Math.min(n++, looks.length - 1)]!,
      isComplete: true,
      overrides: new Map(),
      notes: [],
      refused: [],
    }),
    open: async (id, name) => {
      opened.push(id)
      if (name === 'bad') throw new Unusable('its layers are made of cheese')
      return dataset
    },
    drop: (id) => dropped.push(id),
  })
  const look = async () => {
    await catalogue.look()
    await Promise.all(catalogue.entries().map((entry) => entry.opened))
  }
  return { catalogue, look, opened, dropped }
}

test('an id is the first 24 hex digits of SHA-256 of organization/name', () => {
  expect(idOf('sample_organization', 'cells')).toBe(
    new Bun.CryptoHasher('sha256').update('sample_organization/cells').digest('hex').slice(0, 24),
  )
})

describe('the catalogue', () => {
  test('opens what is found and says why what cannot be opened is not', async () => {
    const { catalogue, look } = catalogueOf([found('good'), found('bad'), found('refused', '1', 'leads out')])
    await look()
    const states = catalogue.entries().map(({ name, status, reason }) => [name, status, reason])
    expect(states).toEqual([
      ['good', 'ok', undefined],
      ['bad', 'unusable', 'its layers are made of cheese'],
      ['refused', 'unusable', 'leads out'],
    ])
  })

  test('keeps what has not changed, opens the changed anew, drops exactly the caches of what changed or went', async () => {
    const { catalogue, look, opened, dropped } = catalogueOf(
      [found('same'), found('changed'), found('gone')],
      [found('same'), found('changed', '2'), found('new')],
    )
    await look()
    const [same, changed, gone] = catalogue.entries().map(({ versionedId }) => versionedId)
    await look()
    expect(dropped.sort()).toEqual([changed!, gone!].sort())
    expect(opened.filter((id) => id.startsWith('lab/same@'))).toEqual([same!])
    expect(catalogue.byName('lab', 'gone')).toBeUndefined()
    expect(catalogue.byName('lab', 'changed')?.versionedId).not.toBe(changed!)
    expect(catalogue.byId(idOf('lab', 'new'))?.status).toBe('ok')
  })

  test('tries again what could not be opened', async () => {
    const { look, opened } = catalogueOf([found('bad')])
    await look()
    await look()
    expect(opened.length).toBe(2)
  })

  test('a reload opens it under a new id, so nothing old is found in a cache', async () => {
    const { catalogue, look, dropped } = catalogueOf([found('a')])
    await look()
    const before = catalogue.byName('lab', 'a')!
    await catalogue.reload(before)
    expect(dropped).toEqual([before.versionedId])
    expect(catalogue.byName('lab', 'a')?.versionedId).not.toBe(before.versionedId)
  })

  test('whoever asks while a look is under way gets the one after it', async () => {
    const { catalogue } = catalogueOf([found('a')], [found('a'), found('b')])
    const first = catalogue.look()
    const [second, third] = [catalogue.look(), catalogue.look()]
    expect((await first).datasets.length).toBe(1)
    expect([(await second).datasets.length, await third]).toEqual([2, await second])
  })
})

test('the difference of two looks is added, changed and removed', () => {
  const known = (name: string, status: 'ok' | 'unusable' = 'ok') => ({ organization: 'lab', name, status, found: found(name) })
  const { added, changed, removed } = difference(
    [known('same'), known('other'), known('broken', 'unusable'), known('gone')],
    [found('same'), found('other', '2'), found('broken'), found('new')],
  )
  expect([added, changed, removed].map((all) => all.map(({ name }) => name))).toEqual([['new'], ['other', 'broken'], ['gone']])
})

describe('datasets.json', () => {
  test('entries of all backends; what is no entry is passed over', () => {
    const { usable, unusable } = sortEntries(
      {
        wkw: { lab: { a: {}, b: { path: '/x', scale: [1, 2, 3] } } },
        tiff: { lab: { c: { scale: [4, 5] }, d: { scale: [1] }, e: { path: 5 } } },
        neuroglancer: {
          lab: { f: { layers: {} }, h: { layers: { em: { source: 'gs://b/p', type: 'image' } }, credentials: { type: 'x' } } },
        },
        // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in datasets.json
        boss: { lab: { g: { collection: 'c', experiment: 'e', token: '${TOKEN}', scale: [1, 1, 2] }, i: { collection: 7 } } },
        comment: 'mine',
        version: 3,
      },
      { TOKEN: 'of the environment' },
    )
    expect(usable.map(({ backend, name, path, scale }) => [backend, name, path, scale])).toEqual([
      ['wkw', 'a', undefined, undefined],
      ['wkw', 'b', '/x', [1, 2, 3]],
      ['tiff', 'c', undefined, [4, 5, 1]],
      ['neuroglancer', 'h', undefined, undefined],
      ['boss', 'g', undefined, [1, 1, 2]],
    ])
    expect(usable[3]?.config).toEqual({ layers: { em: { source: 'gs://b/p', type: 'image' } }, credentials: { type: 'x' } })
    expect(unusable.map(({ name }) => name)).toEqual(['d', 'e', 'f', 'i'])
    expect(unusable.find(({ name }) => name === 'f')?.reason).toContain('/layers')
    expect(usable[4]?.boss).toEqual({ collection: 'c', experiment: 'e', token: 'of the environment' })
    expect(unusable.find(({ name }) => name === 'i')?.reason).toContain('/collection')
  })
})

describe('stacks', () => {
  test('of several runs of digits the one with most members counts', () => {
    const names = [0, 1].flatMap((c) => Array.from({ length: 9 }, (_, z) => `z${z + 1}_c${c}.tif`))
    const { stacks, rest } = findStacks(names)
    expect([stacks.map(({ prefix, suffix, slices }) => [prefix, suffix, slices.length]), rest]).toEqual([
      [
        ['z', '_c0', 9],
        ['z', '_c1', 9],
      ],
      [],
    ])
  })

  test('two spellings of one number are one slice', () => {
    expect(findStacks(['a7.tif', 'a07.tif', 'a8.tif'])).toMatchObject({ stacks: [{ slices: [{ z: 0 }, { z: 1 }] }], rest: ['a07.tif'] })
  })
})

describe('datasets on other machines', () => {
  const remote = (name: string, fingerprint = '1'): FoundDataset => ({
    organization: 'lab',
    name,
    rule: 'test',
    fingerprint,
    descriptor: { format: 'wkw', folder: `https://host/${name}`, root: `https://host/${name}` },
  })
  const make = (looks: FoundDataset[], open: (name: string, n: number) => Promise<Dataset>) => {
    const said: string[] = []
    let n = 0
    const catalogue = new Catalogue({
      look: async () => ({ datasets: looks, notes: [], refused: [], isComplete: true, overrides: new Map() }),
      open: (_, name) => open(name, n++),
      drop: () => {},
      said: (line) => said.push(line),
      retryMs: 30,
    })
    return { catalogue, said, state: (name: string) => catalogue.byName('lab', name)! }
  }

  test('that hang hold up none on this one, however many they are', async () => {
    const many = Array.from({ length: 20 }, (_, k) => remote(`far${k}`))
    const { catalogue, state } = make([...many, found('near')], (name) =>
      name === 'near' ? Promise.resolve(dataset) : new Promise(() => {}),
    )
    await catalogue.start()
    await state('near').opened
    expect([state('near').status, state('far0').status, state('far19').status]).toEqual(['ok', 'opening', 'opening'])
  })

  test('that cannot be opened are tried again by themselves, and said once', async () => {
    const { catalogue, said, state } = make([remote('far')], async (_, n) => {
      if (n < 3) throw new UpstreamError({ cause: 'not now' })
      return dataset
    })
    await catalogue.start()
    await state('far').opened
    expect([state('far').status, state('far').reason]).toEqual(['unusable', 'not now'])
    for (let k = 0; k < 100 && state('far').status !== 'ok'; k++) await Bun.sleep(10)
    expect([state('far').status, state('far').reason, said]).toEqual(['ok', undefined, ['lab/far is opened anew']])
  })

  test('stay what they are while another look tries them again', async () => {
    let release = () => {}
    const { catalogue, state } = make([remote('far')], async (_, n) => {
      if (n === 0) throw new Unusable('no info')
      await new Promise<void>((resolve) => (release = resolve))
      return dataset
    })
    await catalogue.start()
    await state('far').opened
    await catalogue.look()
    await Bun.sleep(20)
    expect(state('far').status).toBe('unusable')
    release()
    await Bun.sleep(20)
    expect(state('far').status).toBe('ok')
  })

  test('that were open stay so when their server does not answer a reload', async () => {
    let isDown = false
    const { catalogue, state } = make([remote('far')], async () => {
      if (isDown) throw new UpstreamError({ cause: 'down' })
      return dataset
    })
    await catalogue.start()
    await state('far').opened
    isDown = true
    await catalogue.reload(state('far'))
    expect([state('far').status, state('far').dataset]).toEqual(['ok', dataset])
  })
})
