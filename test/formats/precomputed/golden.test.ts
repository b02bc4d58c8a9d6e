import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Resources } from '../../../src/datasets/open.ts'
import { AllowedFolders } from '../../../src/stores/allowed.ts'
import { elementClassOf } from '../../../src/volume/data-type.ts'
import index from '../../golden/precomputed.json'
import { GOLDEN, type GoldenCase, sha256 } from '../../support/golden.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'

const cases = index as unknown as readonly GoldenCase[]
const titled = (some: readonly GoldenCase[]) => some.map((one) => [`${one.writer} wrote ${one.dataset}: ${one.about}`, one] as const)

let resources: Resources
beforeAll(async () => {
  // redirects and keys lead from one case to another
  resources = { ...(await makeResources()), allowed: await AllowedFolders.of([GOLDEN]) }
})
afterAll(() => resources.pool.close())

describe('what the reference writers wrote is read voxel for voxel', () => {
  test.each(titled(cases.filter(({ refused }) => !refused)))('%s', async (_, { path, layers }) => {
    const opened = await openPath(join(GOLDEN, path), resources)
    for (const { name, elementClass, mag, topLeft, size, sha256: expected } of layers) {
      const layer = opened.layers.find((one) => one.name === name)
      expect(opened.layers.map((one) => one.name)).toContain(name)
      expect(elementClassOf(layer!.dataType, layer!.channels)).toBe(elementClass as never)
      expect([name, mag, sha256(await readBox(layer!, mag, topLeft, size))]).toEqual([name, mag, expected])
    }
  })
})

describe('what is not decoded rightly is refused by name', () => {
  test.each(titled(cases.filter(({ refused }) => refused)))('%s', async (_, { path, refused: word }) => {
    await expect(openPath(join(GOLDEN, path), resources)).rejects.toThrow(word!)
  })
})
