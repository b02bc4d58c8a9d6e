/** Golden files with bytes turned over or cut off: right voxels, or an error that says what is wrong. Never anything else. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resources } from '../../src/datasets/open.ts'
import { DataError, Unusable } from '../../src/volume/errors.ts'
import precomputed from '../golden/precomputed.json'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN, type GoldenCase, readable } from '../support/golden.ts'
import { makeResources, openAll, readBox } from '../support/open.ts'
import { seededRandom } from '../support/random.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

const ROUNDS = 12
const generated = [...readable, ...(precomputed as unknown as readonly GoldenCase[])].filter(
  // those that lead out of their folder would be damaged somewhere else
  ({ path, refused, dataset }) => path.startsWith('data/') && !refused && dataset !== 'redirect' && dataset !== 'key_beside',
)

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
}

/** What reading all layers of a dataset ends in. Throws whatever is no error of ours. */
async function readAll(folder: string): Promise<'voxels' | 'error'> {
  try {
    for (const { layers } of await openAll(folder, resources)) {
      for (const layer of layers) for (const { factor } of layer.mags) await readBox(layer, factor, [0, 0, 0], [40, 40, 12])
    }
    return 'voxels'
  } catch (error) {
    if (error instanceof DataError || error instanceof Unusable) return 'error'
    throw error
  }
}

test.each(generated.map(({ path }) => path))('%s, damaged', async (path) => {
  const random = seededRandom(path)
  const folder = join(emptyFolder(), 'case')
  cpSync(join(GOLDEN, path), folder, { recursive: true })
  const outcomes = { voxels: 0, error: 0 }
  for (const file of filesBelow(folder)) {
    const whole = readFileSync(file)
    for (let round = 0; round < ROUNDS / Math.min(4, filesBelow(folder).length); round++) {
      const bytes = Buffer.from(whole)
      const flips = 1 + random(8)
      // the head, where sizes and offsets stand, more often than the rest
      for (let n = 0; n < flips; n++) bytes[random(random(2) ? bytes.length : Math.min(bytes.length, 400))] = random(256)
      writeFileSync(file, random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes)
      outcomes[await readAll(folder)]++
    }
    writeFileSync(file, whole)
  }
  rmSync(folder, { recursive: true })
  expect(outcomes.voxels + outcomes.error).toBeGreaterThan(0)
})
