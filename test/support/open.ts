/** Opens datasets with the real parts, without a server. */
import { DecodePool } from '../../codecs/pool.ts'
import { Buffers } from '../../src/cache/buffers.ts'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { Tables } from '../../src/cache/tables.ts'
import { discover } from '../../src/datasets/discover.ts'
import { openDataset, type Resources } from '../../src/datasets/open.ts'
import { BossService } from '../../src/formats/boss/service.ts'
import { AllowedFolders } from '../../src/stores/allowed.ts'
import { FileHandles } from '../../src/stores/handles.ts'
import { boxAt, toMag } from '../../src/volume/box.ts'
import { type Dataset, type Layer, magOf, wireBytes } from '../../src/volume/chunked-array.ts'
import { cutout } from '../../src/volume/cutout.ts'
import { Pace } from '../../src/volume/pace.ts'
import { product, type Vec3 } from '../../src/volume/vec.ts'
import { remoteStores } from './remote.ts'

const MIB = 1024 * 1024
/** A dataset's id is never used twice: tables and caches are kept under it. */
let opened = 0

export const makeResources = async (remote = remoteStores()): Promise<Resources> => ({
  pool: new DecodePool(1),
  tables: new Tables(16 * MIB),
  buffers: new Buffers(256 * MIB, 8 * MIB),
  chunks: new ChunkCache(64 * MIB),
  handles: new FileHandles(),
  allowed: await AllowedFolders.of([]),
  remote,
  boss: new BossService(remote.client, { parallel: 4, openData: false }),
})

/** The datasets of a path, found and opened as the server does it. Throws what opening throws. */
export async function openAll(path: string, resources: Resources): Promise<Dataset[]> {
  const options = { organization: 'test', allowed: resources.allowed, handles: resources.handles, isArgument: true }
  const { datasets } = await discover(path, options)
  return Promise.all(
    datasets.map(({ name, descriptor, reason }) => {
      if (!descriptor) throw new Error(reason)
      return openDataset(`test/${name}@${++opened}`, name, descriptor, resources, () => {})
    }),
  )
}

/** The only dataset of a path. */
export async function openPath(path: string, resources: Resources): Promise<Dataset> {
  const [dataset, ...others] = await openAll(path, resources)
  if (!dataset || others.length > 0) throw new Error(`${others.length + Number(dataset !== undefined)} datasets in ${path}`)
  return dataset
}

/** A box in voxels of the mag. Zeros where nothing is stored. Throws what reading throws. */
export async function readBox(layer: Layer, factor: Vec3, topLeft: Vec3, size: Vec3): Promise<Uint8Array> {
  const mag = magOf(layer, factor)
  if (!mag) throw new Error(`layer ${layer.name} has no mag ${factor}`)
  const target = new Uint8Array(product(size) * wireBytes(layer))
  await cutout(mag, boxAt(topLeft, size), toMag(layer.boundingBox, factor), target, { chunks: new ChunkCache(0), pace: new Pace() })
  return target
}
