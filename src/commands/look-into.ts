/** `wkconnect inspect PATH`: what is seen in it, where each fact comes from, and why something is slow and what mends it. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ConfigError } from '../config/error.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import { readPage } from '../formats/tiff/page.ts'
import { type Kind, Pages, walkKinds } from '../formats/tiff/pages.ts'
import { TiffReader } from '../formats/tiff/reader.ts'
import { createLog } from '../log.ts'
import { FileStore } from '../stores/file.ts'
import { mountOf } from '../stores/mounts.ts'
import { sizeOf } from '../volume/box.ts'
import { chunkBytes, type Layer, volumeOf, voxelBytes } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { messageOf } from '../volume/errors.ts'
import { magLiteral } from '../volume/vec.ts'
import { createParts, type Parts } from './parts.ts'

/** Pages described one by one; of the others only how many there are. */
const MOST_KINDS = 20
const MOST_FILES = 5
const SLOW_CHUNK_BYTES = 4 * 1024 * 1024
const SLOW_OVERVIEW_BYTES = 256 * 1024 * 1024

/** Returns the exit code: 1 where something cannot be shown. */
export async function inspect(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const config = resolveConfig(argv, environment, { servesArguments: false })
  const [path, ...more] = config.words
  if (path === undefined || more.length > 0) throw new ConfigError('inspect takes one file or folder: wkconnect inspect scan.tif')
  if (!existsSync(path)) throw new ConfigError(`${path} does not exist`)
  const parts = await createParts({ ...config, paths: [resolve(path)] }, environment, createLog(config.settings.logFormat))
  const look = await parts.catalogue.start()
  const entries = parts.catalogue.entries()
  await Promise.all(entries.map(({ opened }) => opened))
  for (const entry of entries) await describe(entry, path, parts)
  for (const note of look.notes) say(`note: ${note}`)
  if (entries.length === 0) say(`${path}: no dataset`)
  parts.resources.pool.close()
  return entries.length > 0 && entries.every(({ dataset }) => dataset && dataset.broken.length === 0) ? 0 : 1
}

async function describe(entry: CatalogueEntry, path: string, parts: Parts): Promise<void> {
  const { organization, name, found, dataset, reason } = entry
  say(`${organization}/${name}: ${found.rule}`)
  const images = found.descriptor?.images?.flatMap(({ slices }) => slices.map(({ key }) => key)) ?? []
  for (const key of images.slice(0, MOST_FILES)) await describeFile(found.descriptor!.folder, key, parts)
  if (images.length > MOST_FILES) say(`  … and ${images.length - MOST_FILES} more files`)
  if (!dataset) return say(`  cannot be shown: ${reason}`)
  const { nm, source } = dataset.voxelSize
  say(`  voxel size: ${nm.map((edge) => Number(edge.toPrecision(6))).join(' × ')} nm, from ${source}`)
  for (const layer of dataset.layers) {
    const stored = layer.mags.filter(({ isComputed }) => !isComputed)
    const made = layer.mags.filter(({ isComputed }) => isComputed)
    say(`  layer ${layer.name}: ${sizeOf(layer.boundingBox).join('×')} ${elementClassOf(layer.dataType, layer.channels)} ${layer.category}`)
    for (const { factor, arrays } of stored) say(`    mag ${magLiteral(factor)}, stored in chunks of ${arrays[0]!.chunkSize.join('×')}`)
    if (made.length > 0) say(`    mags ${made.map(({ factor }) => magLiteral(factor)).join(', ')} are computed`)
    for (const line of whySlow(layer, path)) say(`    slow: ${line}`)
  }
  for (const one of dataset.broken) say(`  layer ${one.name} cannot be shown: ${one.status}`)
  for (const note of dataset.notes) say(`  note: ${note}`)
  const mount = found.descriptor && mountOf(found.descriptor.folder)
  if (mount && !mount.isLocal) say(`  slow: it lies on a file server (${mount.point}); a copy on a local disk is read many times as fast`)
}

/** Pages of a file, those that are alike together. */
async function describeFile(folder: string, key: string, { resources }: Parts): Promise<void> {
  try {
    const file = await new FileStore(folder, resources.handles, resources.allowed.and(folder)).open(key)
    if (!file) return say(`  ${key} is not there`)
    const reader = await TiffReader.open(file)
    const pages = new Pages(reader)
    const kinds = await walkKinds(pages)
    say(`  ${join(folder, key)}: ${file.size} bytes, ${pages.count} page${pages.count === 1 ? '' : 's'}`)
    if (pages.problem) say(`    it breaks off: ${pages.problem}`)
    for (const kind of kinds.slice(0, MOST_KINDS))
      say(`    ${kind.pages.length} × ${await describePage(pages, kind).catch((error) => `cannot be decoded: ${messageOf(error)}`)}`)
    if (kinds.length > MOST_KINDS) say(`    … and ${kinds.length - MOST_KINDS} more kinds of page`)
  } catch (error) {
    say(`  ${key}: ${messageOf(error)}`)
  }
}

async function describePage(pages: Pages, { pages: numbers, isReduced }: Kind): Promise<string> {
  const ifd = await pages.reader.ifd((await pages.offsetOf(numbers[0]!))!)
  const { width, height, samples, dataType, isTiled, segment, pipeline, planar } = await readPage(pages.reader, ifd)
  const cut = isTiled ? `tiles of ${segment.width}×${segment.height}` : `strips of ${segment.height} rows`
  const codec = pipeline.codec === 'raw' ? 'uncompressed' : pipeline.codec
  return `${width}×${height} pixels of ${samples}×${dataType}${planar ? ' in planes' : ''}, ${cut}, ${codec}${isReduced ? ', a smaller copy' : ''}`
}

function whySlow(layer: Layer, path: string): string[] {
  const stored = layer.mags.filter(({ isComputed }) => !isComputed)
  const finest = stored[0]?.arrays[0]
  const coarsest = stored.at(-1)?.arrays[0]
  if (!finest || !coarsest) return []
  const lines: string[] = []
  const retile = `vips tiffsave ${path} tiled.tif --tile --pyramid --bigtiff --tile-width 256 --tile-height 256`
  if (chunkBytes(finest) > SLOW_CHUNK_BYTES)
    lines.push(`each bucket decodes chunks of ${mib(chunkBytes(finest))} MiB; smaller tiles mend it: ${retile}`)
  const bytes = volumeOf(coarsest.box) * voxelBytes(coarsest)
  if (layer.mags.length > stored.length && bytes > SLOW_OVERVIEW_BYTES)
    lines.push(
      `the first overview reads all ${mib(bytes)} MiB of mag ${magLiteral(stored.at(-1)!.factor)}; made ahead of time by: wkconnect pyramid ${path}`,
    )
  return lines
}

const mib = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0)

const say = (line: string): void => {
  process.stdout.write(`${line.replace(/[^\P{Cc}]/gu, '?')}\n`)
}
