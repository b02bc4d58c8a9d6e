/** The `webknossos` Python library through a core: download of a dataset, compared with the files it came from, and reload. */
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { type Era, TestCore } from '../support/core/core.ts'
import { type ClientRow, pythonPath } from './client.ts'

const ORGANIZATION = 'sample_organization'

/** Throws where the library does, or where a voxel differs. */
export async function run(): Promise<ClientRow[]> {
  const rows: ClientRow[] = []
  for (const era of ['v13', 'v14', 'v15', 'v16'] as const) rows.push(await download(era))
  return rows
}

async function download(era: Era): Promise<ClientRow> {
  await using core = new TestCore(era)
  core.grant('reader', `${ORGANIZATION}/cells`)
  core.admins.add('boss')
  const data = emptyFolder()
  await using server = await RunningBinary.start(['--data', data, '--sample', '--stored-mags-only', ...core.flags])
  core.publicUrl = server.url
  await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
  const { id } = core.rows.byName(ORGANIZATION, 'cells')!
  const source = join(data, 'binary', ORGANIZATION, 'cells')
  const script = `
import warnings; warnings.simplefilter("ignore")
import numpy, webknossos as wk
box = wk.BoundingBox((16, 8, 4), (96, 80, 24))
with wk.webknossos_context(url="${core.url}", token="reader"):
    remote = wk.RemoteDataset.open("${id}")
    listed = wk.RemoteDataset.list(organization_id="${ORGANIZATION}")
    assert list(listed) == ["${id}"], list(listed)
    assert set(listed["${id}"].layers) == set(remote.layers)
    assert wk.RemoteDataset.open("cells", organization_id="${ORGANIZATION}").dataset_id == "${id}"
    streamed = {
        (name, str(mag)): layer.get_mag(mag).read(absolute_bounding_box=box.align_with_mag(mag, ceil=False))
        for name, layer in remote.layers.items()
        for mag in layer.mags
    }
    assert len(streamed) == 6, streamed.keys()
    copy = remote.download(path="${join(emptyFolder(), 'copy')}", bbox=box)
original = wk.Dataset.open("${source}")
compared = 0
for name, layer in copy.layers.items():
    for mag in layer.mags:
        there = original.get_layer(name).get_mag(mag)
        inside = box.align_with_mag(mag, ceil=False)
        a = layer.get_mag(mag).read(absolute_bounding_box=inside)
        b = there.read(absolute_bounding_box=inside)
        assert a.shape == b.shape and numpy.array_equal(a, b), (name, mag)
        assert b.any(), (name, mag)
        assert numpy.array_equal(streamed[(name, str(mag))], b), ("streamed", name, mag)
        compared += 2 * a.size
with wk.webknossos_context(url="${core.url}", token="boss"):
    wk.RemoteDataset.trigger_reload_in_datastore(dataset_id="${id}", organization_id="${ORGANIZATION}", datastore_url="${server.url}")
try:
    with wk.webknossos_context(url="${core.url}", token="stranger"):
        wk.RemoteDataset.open("${id}")
    raise SystemExit("a stranger was let in")
except wk.client.api_client.errors.UnexpectedStatusError:
    pass
print(wk.__version__ if hasattr(wk, "__version__") else __import__("importlib.metadata").metadata.version("webknossos"), compared)
`
  const child = Bun.spawn([pythonPath(), '-c', script], { stdout: 'pipe', stderr: 'pipe' })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`webknossos against ${era}: ${err.trim() || out}`)
  const [version = '', compared] = out.trim().split('\n').at(-1)!.split(' ')
  const checks = core.to('POST', /validateUserAccess$/).length
  return {
    client: 'webknossos: list, streaming, download, reload',
    version,
    opened: `WKW, core ${era}`,
    compared: `${compared} voxels equal`,
    asked: `core ${checks} times`,
  }
}

if (import.meta.main) console.table(await run())
