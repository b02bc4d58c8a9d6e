/** The official client of BossDB against the double our tests use, so that the double is honest; and its voxels against the executable's. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { BossServer, CHANNELS, COLLECTION, CUTOUTS, FRAME, LEVELS } from '../support/boss-server.ts'
import { sha256 } from '../support/golden.ts'
import { pythonPath } from './client.ts'

interface Said {
  readonly version: string
  readonly cutouts: readonly { readonly sha256: string; readonly dtype: string; readonly shape: readonly number[] }[]
  readonly channels: Readonly<Record<string, { type: string; datatype: string; base: number; status: string }>>
  readonly experiment: unknown
  readonly frame: unknown
  readonly listed: readonly string[]
  readonly refused: Readonly<Record<string, string>>
}

/** Our way to write an odd range, besides the cuboids and whole volumes of the golden data. */
const ODD = { low: [3, 11, 4], high: [519, 40, 19] }

export async function run() {
  await using boss = new BossServer()
  boss.isPublic = false
  boss.tokens.add('t0ken')
  // intern knows no iso, and no uint32, which later servers have
  const golden = CUTOUTS.filter(({ kind, channel }) => kind !== 'iso' && channel !== 'parts').map((one) => ({
    ...one,
    experiment: one.channel === 'movie' ? 'film' : 'exp',
    time: one.channel === 'movie' ? Number(one.kind.slice(1)) : null,
  }))
  const odd = (['em', 'fluo', 'cells'] as const).map((channel) => ({ ...ODD, channel, resolution: 0, experiment: 'exp', time: null }))
  const asked = [...golden, ...odd]
  const said = await ask({ url: boss.url, token: 't0ken', cutouts: asked })
  let checks = 0
  const same = (what: string, a: unknown, b: unknown) => {
    if (!Bun.deepEquals(a, b)) throw new Error(`${what}: ${JSON.stringify(a)} instead of ${JSON.stringify(b)}`)
    checks++
  }
  for (const [n, one] of golden.entries()) same(`${one.channel} ${one.resolution} ${one.low}`, said.cutouts[n]!.sha256, one.sha256)
  for (const [name, channel] of Object.entries(said.channels)) {
    const { type, datatype, base_resolution: base, downsample_status: status } = CHANNELS[name as keyof typeof CHANNELS]
    same(name, channel, { type, datatype, base, status })
  }
  same('frame', said.frame, {
    start: [FRAME.x_start, FRAME.y_start, FRAME.z_start],
    stop: [FRAME.x_stop, FRAME.y_stop, FRAME.z_stop],
    size: [FRAME.x_voxel_size, FRAME.y_voxel_size, FRAME.z_voxel_size],
    unit: FRAME.voxel_unit,
  })
  same('experiment', said.experiment, { levels: LEVELS, method: 'anisotropic', samples: 1 })
  same('channels', said.listed, ['em', 'fluo', 'cells', 'parts', 'huge'])
  for (const [what, words] of Object.entries({ outside: '400', level: '400', channel: '404', token: '401' }))
    same(what, said.refused[what]!.includes(`(${words})`), true)
  const requests = boss.asked.length
  await compareWithUs(boss, said.cutouts.slice(golden.length), odd, same)
  return [
    {
      client: 'intern (BossDB), against the double of the tests',
      version: said.version,
      opened: 'experiment, coordinate frame, channels, cutouts with and without time',
      compared: `${checks} answers, and what the executable reads of the same double, all equal`,
      asked: `${requests} requests to the API`,
    },
  ]
}

/** The same box through the executable, which reads it in cuboids. */
async function compareWithUs(
  boss: BossServer,
  theirs: Said['cutouts'],
  asked: readonly { readonly channel: string }[],
  same: (what: string, a: unknown, b: unknown) => void,
): Promise<void> {
  const data = emptyFolder()
  const entry = { domain: boss.url, collection: COLLECTION, experiment: 'exp', token: 't0ken' }
  writeFileSync(join(data, 'datasets.json'), JSON.stringify({ boss: { lab: { fly: entry } } }))
  await using server = await RunningBinary.start(['--data', data])
  const [w, h, depth] = ODD.high.map((edge, d) => edge - ODD.low[d]!) as [number, number, number]
  for (const [n, { channel }] of asked.entries()) {
    // one side of a cuboid is at most 512 for us
    const parts: Uint8Array[] = []
    for (const [x, width] of [
      [ODD.low[0]!, 500],
      [ODD.low[0]! + 500, w - 500],
    ]) {
      const box = `x=${x}&y=${ODD.low[1]}&z=${ODD.low[2]}&width=${width}&height=${h}&depth=${depth}&mag=1`
      const answer = await server.get(`/data/datasets/lab/fly/layers/${channel}/data?${box}`)
      if (!answer.ok) throw new Error(`${channel}: ${answer.status} ${await answer.text()}`)
      parts.push(await answer.bytes())
    }
    const [left, right] = parts as [Uint8Array, Uint8Array]
    const rows = h * depth
    const row = left.length / rows + right.length / rows
    const whole = new Uint8Array(row * rows)
    for (let r = 0; r < rows; r++) {
      whole.set(left.subarray((r * left.length) / rows, ((r + 1) * left.length) / rows), r * row)
      whole.set(right.subarray((r * right.length) / rows, ((r + 1) * right.length) / rows), r * row + left.length / rows)
    }
    same(`${channel} through the executable`, sha256(whole), theirs[n]!.sha256)
  }
}

async function ask(input: unknown): Promise<Said> {
  const child = Bun.spawn([pythonPath(), join(import.meta.dir, 'boss_intern.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  child.stdin.write(JSON.stringify(input))
  child.stdin.end()
  const [out, trouble, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`boss_intern.py ended with ${code}: ${trouble.slice(-2000)}`)
  return JSON.parse(out) as Said
}
