/** The `webknossos` Python library opening datasets through a core and streaming them over Zarr; with a user's and a sharing token. */
import { RunningBinary } from '../support/binary.ts'
import { type Era, TestCore } from '../support/core/core.ts'
import { readable } from '../support/golden.ts'
import { asked, type ClientRow, compare, goldenArrays, goldenFolders, python } from './client.ts'

interface Answer {
  readonly version: string
  readonly opened: number
  readonly results: readonly { readonly sha256: string; readonly error?: string }[]
}

/** The library reads additional axes in another way. */
const arrays = goldenArrays.filter(({ time }) => time === undefined)

export async function run(): Promise<ClientRow[]> {
  return [
    await stream('v13', 'a user’s token', { token: 'reader' }),
    await stream('v14', 'a user’s token', { token: 'reader' }),
    await stream('v15', 'a user’s token', { token: 'reader' }),
    await stream('v16', 'a user’s token', { token: 'reader' }),
    await stream('v15', 'a sharing token', { token: 'stranger', sharingToken: 'reader' }),
  ]
}

async function stream(era: Era, how: string, tokens: { token: string; sharingToken?: string }): Promise<ClientRow> {
  const organizations = [...new Set(readable.map(({ organization }) => organization))]
  await using core = new TestCore(era, { organizations })
  core.grant('reader', '*')
  await using server = await RunningBinary.start([...goldenFolders, ...core.flags, '--log-requests'])
  core.publicUrl = server.url
  await core.until('a report of everything', () => core.bulk.some(({ status }) => status === 200))
  const idOf = (dataset: string): string => {
    const [organization = '', name = ''] = dataset.split('/')
    const row = core.rows.byName(organization, name)
    if (!row) throw new Error(`core was not told of ${dataset}`)
    return row.id
  }
  const wanted = arrays.map(({ dataset, layer, mag, topLeft, size }) => ({ id: idOf(dataset), layer, mag, topLeft, size }))
  const { version, opened, results } = (await python('read_webknossos.py', { core: core.url, ...tokens, arrays: wanted })) as Answer
  const compared = compare(arrays, results)
  const requests = await asked(server)
  const denied = (await python('read_webknossos.py', { core: core.url, token: 'stranger', arrays: wanted.slice(0, 1) })) as Answer
  if (!denied.results[0]?.error) throw new Error('a stranger was let in')
  return { client: 'webknossos, streaming', version, opened: `${opened} datasets, core ${era}, ${how}`, compared, asked: requests }
}
