/** One `info`: found, followed and read, and the arrays of its scales made. */

import type { CodecOptions } from '../../../codecs/codec.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import { withCompressedSiblings } from '../../stores/siblings.ts'
import type { Store } from '../../stores/store.ts'
import { boxAt } from '../../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../../volume/chunked-array.ts'
import { sampleBytes } from '../../volume/data-type.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import { ceilDivide, product, type Vec3 } from '../../volume/vec.ts'
import type { OpenContext } from '../format.ts'
import { metadataVersion } from '../metadata-version.ts'
import { mostBytes, PrecomputedArray } from './array.ts'
import { ChunkFiles } from './files.ts'
import { parseInfo, type Scale, type VolumeInfo } from './metadata.ts'
import { PieceArray, pieceSizeOf } from './pieces.ts'
import { mortonBits } from './sharding.ts'
import { Shards } from './shards.ts'
import { follow, isRemote } from './source.ts'
import { StoredChunks } from './stored.ts'

export const INFO_KEY = 'info'
const MAX_INFO_BYTES = 16 * 1024 * 1024
const MAX_REDIRECTS = 10

/** A place with an `info`, redirects followed. Meshes, skeletons and properties lie relative to it. */
export interface Volume {
  readonly info: VolumeInfo
  readonly store: Store
  readonly source: string
  readonly credentials: unknown
  /** The bytes of its info, hashed. */
  readonly infoHash: string
}

/** Undefined where there is no `info`. Throws `Unusable` where there is one that cannot be used. */
export async function openVolume(store: Store, source: string, credentials: unknown, context: OpenContext): Promise<Volume | undefined> {
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const stat = isRemote(source) ? undefined : await store.stat(INFO_KEY)
    if (stat && stat.size > MAX_INFO_BYTES) throw new Unusable(`its info has ${stat.size} bytes; at most ${MAX_INFO_BYTES} are read`)
    const bytes = await store.get(INFO_KEY, undefined, undefined, MAX_INFO_BYTES)
    if (!bytes) {
      if (hops === 0) return undefined
      throw new Unusable(`its info redirects to ${source}, where there is none`)
    }
    const json = parseJson(bytes)
    const redirect = typeof json === 'object' && json !== null && 'redirect' in json ? json.redirect : undefined
    if (typeof redirect !== 'string') {
      // from now on a bucket that answers 403 for what is not there is understood
      store.metadataRead?.(INFO_KEY)
      return { info: parseInfo(json), store, source, credentials, infoHash: metadataVersion(new TextDecoder().decode(bytes)) }
    }
    source = follow(source, redirect, 'redirect').replace(/\/info$/, '')
    store = await context.storeAt(source, credentials)
  }
  throw new Unusable(`its info redirects more than ${MAX_REDIRECTS} times`)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new Unusable(`its info is not valid JSON: ${messageOf(error)}`)
  }
}

/** One array per chunk size, and one of its pieces where they can be decoded by themselves. `id` names the layer and mag. Throws `Unusable`. */
export async function openScale(volume: Volume, scale: Scale, id: string, context: OpenContext): Promise<ChunkedArray[]> {
  const { store, folder } = await placeOfScale(volume, scale, context)
  const placed = { ...scale, key: folder }
  const arrays: ChunkedArray[] = []
  for (const [n, chunkSize] of scale.chunkSizes.entries()) {
    const arrayId = n === 0 ? id : `${id}/${chunkSize.join('-')}`
    arrays.push(...(await openChunks({ volume, scale, placed, store, folder, chunkSize, id: arrayId }, context)))
  }
  return arrays
}

interface ChunkKind {
  readonly volume: Volume
  readonly scale: Scale
  /** The scale with the folder it lies in for a key. */
  readonly placed: Scale
  readonly store: Store
  readonly folder: string
  readonly chunkSize: Vec3
  readonly id: string
}

async function openChunks(
  { volume, scale, placed, store, folder, chunkSize, id }: ChunkKind,
  context: OpenContext,
): Promise<ChunkedArray[]> {
  const { sharding } = scale
  const { dataType, channels } = volume.info
  const bits = mortonBits(ceilDivide(scale.size, chunkSize))
  if (sharding && bits > 64) throw new Unusable(`its chunks need ids of ${bits} bits, shards have 64`)
  const most = mostBytes(product(chunkSize) * voxelBytes(volume.info))
  const files = new ChunkFiles({
    // files written by cloud-volume are compressed and called so
    store: isRemote(store.url) || sharding ? store : withCompressedSiblings(store, most),
    scale: placed,
    chunkSize,
    shards: sharding && new Shards({ id, store, folder, sharding, tables: context.tables }),
    mostBytes: most,
    changed: () => context.changed(),
  })
  const decoders = await decodersOf(volume.info, scale, chunkSize, context)
  const pieceSize = scale.blockSize && channels === 1 ? pieceSizeOf(chunkSize, scale.blockSize) : undefined
  const grid = { id, box: boxAt(scale.offset, scale.size), gridOrigin: scale.offset, chunkSize }
  const isZipped = sharding?.dataEncoding === 'gzip'
  const pieces = pieceSize && { pieceSize, stored: new StoredChunks({ grid, files, kept: context.chunks, isZipped, mostBytes: most }) }
  const whole = new PrecomputedArray({
    ...grid,
    files,
    encoding: scale.encoding,
    isZipped,
    metadataVersion: metadataVersion(store.url, folder, volume.infoHash, scale.key, chunkSize),
    dataType,
    channels,
    decoders,
    buffers: context.buffers,
    stored: pieces?.stored,
  })
  return pieces ? [whole, new PieceArray({ whole, ...pieces, files, decoders })] : [whole]
}

/** The folder of a scale lies below the info, beside it, or elsewhere in the same bucket. */
async function placeOfScale(
  { store, source, credentials }: Volume,
  { key }: Scale,
  context: OpenContext,
): Promise<{ store: Store; folder: string }> {
  // a store on the network minds itself that nothing leads out of its bucket
  const staysInside = isRemote(store.url) || !key.split('/').includes('..')
  const isPlain = !/^[a-z][a-z0-9+.-]*:\/\//i.test(key) && !key.startsWith('/') && staysInside
  if (isPlain) return { store, folder: key.replace(/^(\.\/)+|\/+$/g, '') || '.' }
  const place = follow(source, key.startsWith('/') ? key.slice(1) : key, 'key')
  const elsewhere = await context.storeAt(place, credentials)
  elsewhere.metadataRead?.(INFO_KEY)
  return { store: elsewhere, folder: '.' }
}

/** For chunks whole and cut along x (1), y (2), z (4) and their sums; one for all where the encoding does not have to know. */
async function decodersOf(info: VolumeInfo, scale: Scale, chunkSize: Vec3, { pool }: OpenContext): Promise<Decoder[]> {
  const rest = chunkSize.map((edge, d) => scale.size[d]! % edge || edge)
  const decoders: Decoder[] = []
  for (let cut = 0; cut < 8; cut++) {
    const size = chunkSize.map((edge, d) => (cut & (1 << d) ? rest[d]! : edge)) as unknown as Vec3
    const needsSize = scale.encoding === 'compressed_segmentation' || scale.encoding === 'compresso'
    decoders.push(cut > 0 && !needsSize ? decoders[0]! : await pool.decoder(pipelineOf(info, scale, size)))
  }
  return decoders
}

function pipelineOf({ dataType, channels }: VolumeInfo, { encoding, blockSize }: Scale, size: Vec3) {
  const sample = sampleBytes(dataType)
  const options: Record<Scale['encoding'], CodecOptions> = {
    raw: {},
    jpeg: { components: channels },
    png: { samples: channels, sampleBytes: sample },
    jxl: { samples: channels },
    compressed_segmentation: { size, blockSize, channels, sampleBytes: sample },
    compresso: { size, sampleBytes: sample },
  }
  // pictures hold channels side by side, as we do; the others hold one after the other
  const isPlanar = channels > 1 && (encoding === 'raw' || encoding === 'compressed_segmentation')
  const filters = isPlanar ? [{ filter: 'interleave', options: { channels, sampleBytes: sample } }] : []
  return { codec: encoding, options: options[encoding], filters }
}
