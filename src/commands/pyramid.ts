/** `wkconnect pyramid FILE|FOLDER|DATASET`: makes the overviews ahead of time, into the cache folder. The data are only read. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ChunkCache } from '../cache/chunk-cache.ts'
import { ConfigError } from '../config/error.ts'
import { type Resolved, resolveConfig } from '../config/resolve.ts'
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import { createLog } from '../log.ts'
import { DownsampledArray } from '../overviews/array.ts'
import type { Layer } from '../volume/chunked-array.ts'
import { chunkBytes } from '../volume/chunked-array.ts'
import { messageOf } from '../volume/errors.ts'
import { ceilDivide, product, subtract, type Vec3 } from '../volume/vec.ts'
import { createParts, shareBudget } from './parts.ts'

const BAR = 30
const SAY_MS = 5000

interface Work {
  readonly title: string
  readonly array: DownsampledArray
  readonly chunks: number
}

/** Returns the exit code: 1 where something could not be made. */
export async function pyramid(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const config = resolveConfig(argv, environment, { servesArguments: false })
  const [word, ...more] = config.words
  if (word === undefined || more.length > 0) throw new ConfigError('pyramid takes one file, folder or dataset: wkconnect pyramid scan.tif')
  const chunks = new ChunkCache(shareBudget(config.settings.cache).chunks)
  const log = createLog(config.settings.logFormat)
  const isPath = existsSync(word)
  const located: Resolved = isPath ? { ...config, paths: [resolve(word)] } : config
  const { catalogue, resources } = await createParts(
    { ...located, settings: { ...config.settings, storedMagsOnly: false } },
    environment,
    log,
    { chunks },
  )
  const disk = resources.overviews?.disk
  if (!disk) throw new ConfigError('there is no cache folder to keep overviews in: name one with --cache-dir')
  await catalogue.start()
  const entries = catalogue.entries().filter(({ organization, name }) => isPath || word === name || word === `${organization}/${name}`)
  await Promise.all(entries.map(({ opened }) => opened))
  if (entries.length === 0) throw new ConfigError(`${word} is no file or folder, and no dataset is called so`)
  let failed = false
  const works: Work[] = []
  for (const entry of entries) {
    if (!entry.dataset) complain(`${nameOf(entry)}: ${entry.reason}`)
    failed ||= !entry.dataset
    for (const layer of entry.dataset?.layers ?? []) works.push(...worksOf(entry, layer))
  }
  const most = works.reduce((sum, { array, chunks: count }) => sum + count * chunkBytes(array), 0)
  if (most > config.settings.diskCache)
    complain(
      `up to ${mib(most)} MiB are made and --disk-cache keeps ${mib(config.settings.diskCache)}: what was made first may be thrown out again`,
    )
  if (works.length === 0 && !failed) say('Nothing to make: every overview is stored, or made in no time when it is asked for.')
  for (const work of works) {
    try {
      await makeAll(work, chunks)
    } catch (error) {
      failed = true
      complain(`${work.title}: ${messageOf(error)}`)
    }
  }
  if (works.length > 0) say(`${mib(disk.statistics.heldBytes)} MiB in ${disk.folder}`)
  resources.pool.close()
  return failed ? 1 : 0
}

/** Mags whose chunks are worth keeping, finest first: each is then made of the one before it. */
function worksOf(entry: CatalogueEntry, layer: Layer): Work[] {
  return layer.mags.flatMap(({ factor, arrays: [array] }) => {
    if (!(array instanceof DownsampledArray) || !array.isKept) return []
    return [{ title: `${nameOf(entry)}, layer ${layer.name}, mag ${factor.join('-')}`, array, chunks: product(gridOf(array)) }]
  })
}

const gridOf = ({ box, gridOrigin, chunkSize }: DownsampledArray): Vec3 => ceilDivide(subtract(box.max, gridOrigin), chunkSize)

async function makeAll({ title, array, chunks: count }: Work, chunks: ChunkCache): Promise<void> {
  const [nx, ny] = gridOf(array)
  const startMs = Date.now()
  const progress = createProgress(title)
  for (let n = 0; n < count; n++) {
    await chunks.read(array, [n % nx, Math.floor(n / nx) % ny, Math.floor(n / (nx * ny))], () => {})
    progress((n + 1) / count)
    await new Promise((done) => setImmediate(done))
  }
  progress(1, `${((Date.now() - startMs) / 1000).toFixed(1)} s`)
}

/** A bar that is drawn again in place on a terminal, a line now and then elsewhere. */
function createProgress(title: string): (share: number, end?: string) => void {
  const isTerminal = process.stdout.isTTY === true
  let lastMs = Date.now()
  return (share, end) => {
    const percent = `${Math.floor(share * 100)} %`
    if (end !== undefined) return say(isTerminal ? `\r${bar(share)} ${title}: ${end}   ` : `${title}: made, ${end}`)
    if (Date.now() - lastMs < (isTerminal ? 100 : SAY_MS)) return
    lastMs = Date.now()
    if (isTerminal) process.stdout.write(`\r${bar(share)} ${title}: ${percent}   `)
    else say(`${title}: ${percent}`)
  }
}

const bar = (share: number): string => `[${'#'.repeat(Math.round(share * BAR)).padEnd(BAR)}]`
const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1)
const nameOf = ({ organization, name }: CatalogueEntry): string => `${organization}/${name}`

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const complain = (line: string): void => {
  process.stderr.write(`wkconnect: ${line}\n`)
}
