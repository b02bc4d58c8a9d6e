import { expect, test } from 'bun:test'
import type { CatalogueEntry } from '../../src/datasets/catalogue.ts'
import { idOf } from '../../src/datasets/found.ts'
import { Mirror } from '../../src/datasets/mirror.ts'
import { changeBetween, type EntrySnapshot, type Snapshot, snapshotOf } from '../../src/datasets/snapshot.ts'
import type { Dataset } from '../../src/volume/chunked-array.ts'
import { UpstreamError } from '../../src/volume/errors.ts'

const descriptor = { format: 'wkw', folder: '/data/lab/set', root: '/data' } as const
const snapshot = (name: string, version: number, more: Partial<EntrySnapshot> = {}): EntrySnapshot => ({
  id: idOf('lab', name),
  organization: 'lab',
  name,
  found: { organization: 'lab', name, descriptor, rule: 'a rule', fingerprint: 'f' },
  versionedId: `lab/${name}@${version}`,
  status: 'ok',
  isRemote: false,
  ...more,
})
const all = (...entries: EntrySnapshot[]): Snapshot => new Map(entries.map((entry) => [`lab/${entry.name}`, entry]))
const dataset: Dataset = { layers: [], broken: [], voxelSize: { nm: [1, 1, 1], source: 'test' }, notes: [] }

function make(open: (id: string) => Promise<Dataset> = async () => ({ ...dataset })) {
  const [opened, dropped]: string[][] = [[], []]
  const mirror = new Mirror({
    open: (id) => {
      opened!.push(id)
      return open(id)
    },
    drop: (id) => dropped!.push(id),
    stale: () => {},
    retryMs: 20,
  })
  const apply = (...entries: EntrySnapshot[]) => mirror.apply({ isLooked: true, entries, removed: [] })
  return { mirror, apply, opened: opened!, dropped: dropped! }
}

test('a change has what is new or other, and nothing that is the same', () => {
  const before = all(snapshot('same', 1), snapshot('again', 2), snapshot('gone', 3), snapshot('described', 4), snapshot('named', 5))
  const after = all(
    snapshot('same', 1),
    snapshot('again', 6),
    snapshot('described', 4, { override: { scale: [1, 2, 3] } }),
    snapshot('named', 5, { id: 'f'.repeat(24) }),
    snapshot('fresh', 7, { status: 'opening' }),
  )
  const { entries, removed } = changeBetween(before, after, true)
  expect(entries.map(({ name }) => name).sort()).toEqual(['again', 'described', 'fresh', 'named'])
  expect(removed).toEqual(['lab/gone'])
  expect(changeBetween(after, after, true).entries).toEqual([])
})

test('a snapshot can be cloned although an entry has a dataset and a promise', () => {
  const entry: CatalogueEntry = { ...snapshot('set', 1), dataset, opened: Promise.resolve() }
  expect(structuredClone(snapshotOf([entry]).get('lab/set'))).toEqual(snapshot('set', 1))
})

test('a dataset is opened when it is asked for, once', async () => {
  const { mirror, apply, opened } = make()
  apply(snapshot('one', 1), snapshot('two', 2))
  expect(opened).toEqual([])
  for (let n = 0; n < 3; n++) await mirror.byName('lab', 'one')!.opened
  await mirror.byId(idOf('lab', 'one'))!.opened
  expect([opened, mirror.byName('lab', 'one')!.status]).toEqual([['lab/one@1'], 'ok'])
})

test('who asks while the main thread opens it waits, and gets it', async () => {
  const { mirror, apply, opened } = make()
  apply(snapshot('one', 1, { status: 'opening' }))
  const entry = mirror.byName('lab', 'one')!
  expect([entry.status, opened]).toEqual(['opening', []])
  apply(snapshot('one', 1))
  await entry.opened
  expect([entry.status, entry.dataset !== undefined]).toEqual(['ok', true])
})

test('caches are dropped of what is gone, opened anew, or usable again, and of nothing else', async () => {
  const { mirror, apply, dropped } = make()
  apply(snapshot('kept', 1), snapshot('anew', 2), snapshot('gone', 3), snapshot('bad', 4, { status: 'unusable', reason: 'broken' }))
  for (const name of ['kept', 'anew', 'gone']) await mirror.byName('lab', name)!.opened
  const kept = mirror.byName('lab', 'kept')!.dataset
  mirror.apply({
    isLooked: true,
    entries: [snapshot('kept', 1, { override: { scale: [1, 2, 3] } }), snapshot('anew', 5), snapshot('bad', 4)],
    removed: ['lab/gone'],
  })
  expect(dropped.sort()).toEqual(['lab/anew@2', 'lab/bad@4', 'lab/gone@3'])
  expect(mirror.byName('lab', 'kept')!.dataset).toBe(kept)
  expect(mirror.byName('lab', 'kept')!.override).toEqual({ scale: [1, 2, 3] })
  expect(mirror.byName('lab', 'gone')).toBeUndefined()
  await mirror.byName('lab', 'bad')!.opened
  expect(mirror.byName('lab', 'bad')!.status).toBe('ok')
})

test("core's id leads to it, a former one no more, our own always", () => {
  const { mirror, apply } = make()
  apply(snapshot('one', 1))
  mirror.assignId('lab', 'one', 'a'.repeat(24))
  apply(snapshot('one', 1, { id: 'b'.repeat(24) }))
  const found = ['a'.repeat(24), 'b'.repeat(24), idOf('lab', 'one')].map((id) => mirror.byId(id)?.name)
  expect(found).toEqual([undefined, 'one', 'one'])
})

test('what cannot be opened here just now is tried again; a server in trouble takes nothing away', async () => {
  let fails = true
  const { mirror, apply } = make(async () => {
    if (fails) throw new UpstreamError({ cause: 'no answer' })
    return { ...dataset }
  })
  apply(snapshot('one', 1))
  const entry = mirror.byName('lab', 'one')!
  await entry.opened
  expect([entry.status, entry.reason]).toEqual(['unusable', 'no answer'])
  fails = false
  await Bun.sleep(60)
  await mirror.byName('lab', 'one')!.opened
  const good = mirror.byName('lab', 'one')!
  expect(good.status).toBe('ok')
  fails = true
  apply(snapshot('one', 2))
  await mirror.byName('lab', 'one')!.opened
  expect(mirror.byName('lab', 'one')!.dataset).toBe(good.dataset)
})

test('until the folders are looked through it says so', async () => {
  const { mirror } = make()
  expect(await mirror.firstLook(10)).toBeUndefined()
  mirror.apply({ isLooked: true, entries: [], removed: [] })
  expect(await mirror.firstLook(10)).toBe(true)
})
