/** What serving and the commands on datasets have in common: how datasets are found, opened and edited. */
import { join } from 'node:path'
import { DecodePool } from '../../codecs/pool.ts'
import { Buffers } from '../cache/buffers.ts'
import { ChunkCache } from '../cache/chunk-cache.ts'
import { DiskCache } from '../cache/disk.ts'
import { Tables } from '../cache/tables.ts'
import { coreSettings } from '../config/core.ts'
import { ConfigError } from '../config/error.ts'
import { findDatasetsFile, isLoopback, type Resolved } from '../config/resolve.ts'
import type { Settings } from '../config/settings.ts'
import { Catalogue } from '../datasets/catalogue.ts'
import { Editor } from '../datasets/editor.ts'
import { createLook } from '../datasets/look.ts'
import { openDataset, type Resources } from '../datasets/open.ts'
import { staleOf } from '../datasets/recheck.ts'
import { BossService } from '../formats/boss/service.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type Elsewhere, Overviews } from '../overviews/overviews.ts'
import { AllowedFolders } from '../stores/allowed.ts'
import { FileHandles } from '../stores/handles.ts'
import { Patience } from '../stores/patience.ts'
import { RemoteStores } from '../stores/remote.ts'
import { messageOf } from '../volume/errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const MIB = 1024 * 1024
const OPEN_FILES = 512
/** A folder that takes longer to be listed does not hold up those beside it. */
const LISTING_MS = 4000

/** However small the cache is, the memory of a few answers is used again: taking it anew for each costs as much as reading them. */
const LEAST_KEPT = 8 * MIB

/** How the one memory budget is shared: most of it for decoded chunks, the rest for what is in flight. */
export function shareBudget(bytes: number, threads = 1) {
  const tables = Math.min(64 * MIB, bytes / 8)
  const kept = Math.min(32 * MIB, bytes / 8)
  return {
    tables: tables / threads,
    kept: Math.max(LEAST_KEPT, kept / threads),
    chunks: Math.max(0, bytes - tables - kept) / threads,
    inFlight: Math.max(512 * MIB, bytes / 2) / threads,
  }
}

/** Where made mags are kept across restarts; undefined where they are not to be, or there is no place for them. */
function diskCache({ cacheDir, diskCache: bytes }: Settings, environment: Environment, log: Log): DiskCache | undefined {
  const folder = cacheDir || defaultCacheFolder(environment)
  return folder === undefined || folder === 'none' || bytes === 0 ? undefined : new DiskCache(folder, bytes, (line) => log.warn(line))
}

function defaultCacheFolder({ XDG_CACHE_HOME, HOME, LOCALAPPDATA }: Environment): string | undefined {
  if (process.platform === 'win32') return LOCALAPPDATA && join(LOCALAPPDATA, 'wkconnect', 'cache')
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'wkconnect')
  return HOME && join(HOME, process.platform === 'darwin' ? 'Library/Caches' : '.cache', 'wkconnect')
}

export interface Parts {
  readonly catalogue: Catalogue
  readonly editor: Editor
  readonly resources: Resources
  /** Looks through everything again. */
  look(): Promise<void>
  /** Versioned ids of datasets whose files this thread has open and that were replaced. */
  recheck(): Promise<string[]>
  /** Forgets what is cached under a versioned id. */
  drop(versionedId: string): void
  /** Lists of datasets; the last one is written. */
  readonly datasetsFiles: readonly string[]
  /** What somebody changed about descriptions. */
  readonly overridesFile: string
}

export interface PartsOptions {
  /** Where decoded chunks are kept; without it nowhere. */
  readonly chunks?: ChunkCache
  /** Where to count; without it nothing is. */
  readonly metrics?: Metrics
  /** Told when something was opened, described otherwise, or is gone. */
  readonly changed?: () => void
  /** How many threads share memory and cores. */
  readonly threads?: number
  /** Told after each look, before anything is done about it: versioned ids of what other threads hold and is outdated. */
  readonly looked?: () => Promise<readonly string[]>
}

export interface ResourcesOptions {
  readonly chunks: ChunkCache
  readonly threads: number
  /** Where to count; without it nothing is. */
  readonly metrics?: Metrics | undefined
  /** Of threads that make nothing that takes long themselves, and leave the disk to the one that does. */
  readonly elsewhere?: Elsewhere
}

/** What one thread opens and reads datasets with. */
export async function createResources(
  config: Resolved,
  environment: Environment,
  log: Log,
  { chunks, threads, metrics, elsewhere }: ResourcesOptions,
): Promise<Resources> {
  const { settings } = config
  const budget = shareBudget(settings.cache, threads)
  const disk = elsewhere ? undefined : diskCache(settings, environment, log)
  const remote = remoteStores(config, environment)
  return {
    pool: new DecodePool(Math.max(1, Math.floor(Math.min(8, navigator.hardwareConcurrency) / threads))),
    tables: new Tables(budget.tables),
    buffers: new Buffers(budget.inFlight / 2, budget.kept / 2),
    chunks,
    handles: new FileHandles(Math.max(64, Math.floor(OPEN_FILES / threads))),
    allowed: await AllowedFolders.of(settings.allowPath),
    remote,
    boss: new BossService(remote.client, { parallel: settings.bossParallel, openData: settings.bossOpenData }),
    overviews: settings.storedMagsOnly ? undefined : new Overviews(chunks, log, disk, elsewhere),
    metrics,
  }
}

/** Forgets what a thread has cached under a versioned id. */
export const dropFrom = ({ overviews, tables }: Resources, chunks: ChunkCache, versionedId: string): void => {
  overviews?.drop(`${versionedId}/`)
  chunks.drop(`${versionedId}/`)
  tables.drop(`${versionedId}/`)
}

export async function createParts(
  config: Resolved,
  environment: Environment,
  log: Log,
  { chunks = new ChunkCache(0), changed, metrics, threads = 1, looked }: PartsOptions = {},
): Promise<Parts> {
  const { settings, sources, paths } = config
  const resources = await createResources(config, environment, log, { chunks, threads, metrics })
  const datasetsFiles = [findDatasetsFile(settings), ...(settings.state ? [join(settings.state, 'datasets.json')] : [])]
  const overridesFile = join(settings.state || settings.data, 'overrides.json')
  const expectedFile = sources.datasetsPath === 'default' ? undefined : datasetsFiles[0]
  const shared = { data: settings.data, allowed: resources.allowed, handles: resources.handles, environment }
  const look = createLook({
    ...shared,
    paths,
    datasetsFiles,
    expectedFile,
    overridesFile,
    organization: settings.organization,
    patience: new Patience(LISTING_MS),
    log,
  })
  const open: ConstructorParameters<typeof Catalogue>[0]['open'] = (id, name, descriptor, changed) =>
    openDataset(id, name, descriptor, resources, changed)
  const drop = (versionedId: string) => dropFrom(resources, chunks, versionedId)
  const recheck = () => staleOf(catalogue.entries(), resources.tables)
  const catalogue = new Catalogue({ look, open, drop, said: (line) => log.info(line), ...(changed ? { changed } : {}) })
  const lookAgain = async () => {
    await catalogue.look()
    const stale = new Set(await (looked ? looked() : recheck()))
    await Promise.all([...stale].map((id) => catalogue.byVersion(id)).map((entry) => entry && catalogue.reload(entry)))
  }
  const find = (organization: string, name: string) => catalogue.byName(organization, name)?.found
  return {
    catalogue,
    editor: new Editor({ ...shared, file: datasetsFiles.at(-1)!, find, open }),
    resources,
    drop,
    look: lookAgain,
    recheck,
    datasetsFiles,
    overridesFile,
  }
}

function remoteStores(config: Resolved, environment: Environment): RemoteStores {
  const { host, public: isPublic, caFile, credentials, allowRemote } = config.settings
  try {
    // behind a proxy only --public or a core tells that others can reach it
    const guardsStrangers = isPublic || !isLoopback(host) || coreSettings(config) !== undefined
    return new RemoteStores({ environment, caFile, credentialsFile: credentials, allowRemote, guardsStrangers })
  } catch (error) {
    throw new ConfigError(messageOf(error))
  }
}
