/** Zarr clients with a token, against the executable connected to a core of each era: let in, refused, after a reload, and when it expires. */
import { createHash } from 'node:crypto'
import { growCells } from '../../src/sample/cells.ts'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { ERAS, type Era, TestCore } from '../support/core/core.ts'
import { asked, axesOf, type ClientRow, python } from './client.ts'

const NAME = 'sample_organization/cells'
const SIZE = [192, 192, 96] as const
/** A little more than rights are held for. */
const EXPIRY_MS = 125_000
const CASES = [
  ['zarr', 2, 'zarr'],
  ['zarr', 3, 'zarr3-zyx'],
  ['tensorstore', 2, 'zarr-zyx'],
  ['tensorstore', 3, 'zarr3_experimental'],
] as const

interface Answer {
  readonly version: string
  readonly results: readonly { readonly sha256: string; readonly error?: string }[]
}

export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const era of Object.keys(ERAS) as Era[]) rows.push(await readIn(era, era === 'v15'))
  return rows
}

async function readIn(era: Era, waits: boolean): Promise<ClientRow> {
  await using core = new TestCore(era)
  core.grant('reader', NAME)
  core.admins.add('boss')
  await using server = await RunningBinary.start(['--data', emptyFolder(), '--sample', ...core.flags, '--log-requests'])
  core.publicUrl = server.url
  await core.until('a report of everything', () => core.bulk.some(({ status }) => status === 200))
  const { color, segmentation } = growCells(SIZE)
  const truth = [color, segmentation].map((voxels) => createHash('sha256').update(new Uint8Array(voxels.buffer)).digest('hex'))
  const id = ERAS[era] >= 10 ? core.rows.byName('sample_organization', 'cells')!.id : NAME
  const prefix = ERAS[era] >= 5 ? `v${Math.min(ERAS[era], 15)}/` : ''
  const read = async ([library, format, route]: (typeof CASES)[number], token: string | undefined) => {
    const arrays = ['color', 'segmentation'].map((layer) => ({
      url: `${server.url}/data/${prefix}${route}/${id}/${layer}/1`,
      topLeft: [0, 0, 0],
      size: SIZE,
    }))
    return (await python('read_arrays.py', { library, format, axes: axesOf(route), token, arrays })) as Answer
  }
  const expectAll = async (one: (typeof CASES)[number]) => {
    const { results, version } = await read(one, 'reader')
    results.forEach(({ sha256, error }, n) => {
      if (sha256 !== truth[n]) throw new Error(`${era}, ${one.join(' ')}: ${error ?? 'other voxels'}`)
    })
    return version
  }
  const expectNone = async (one: (typeof CASES)[number], token: string | undefined, what: string) => {
    const { results } = await read(one, token)
    for (const { error } of results) if (!error) throw new Error(`${era}, ${one.join(' ')}: ${what} and was let in`)
  }
  const versions = new Set<string>()
  for (const one of CASES) versions.add(`${one[0]} ${await expectAll(one)}`)
  await expectNone(CASES[0], 'stranger', 'had no right')
  await expectNone(CASES[3], undefined, 'had no token')
  const reloaded = await server.get(`/data/triggers/reload/${NAME}?token=boss`, { method: 'POST' })
  if (!reloaded.ok) throw new Error(`${era}: reload is ${reloaded.status}`)
  await expectAll(CASES[3])
  if (waits) {
    core.readers.delete('reader')
    await Bun.sleep(EXPIRY_MS)
    for (const one of CASES) await expectNone(one, 'reader', 'had a token that has expired')
  }
  return {
    client: 'zarr-python, tensorstore, with a token',
    version: [...versions].join(', '),
    opened: `cells, core ${era}; refused: a stranger, no token${waits ? ', an expired one' : ''}; again after a reload`,
    compared: `${((CASES.length + 1) * 2 * color.length).toLocaleString('en')} voxels, all equal`,
    asked: await asked(server),
  }
}
