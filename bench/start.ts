/** From exec to the first answer, and memory when nothing is asked. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeSample } from '../src/sample/index.ts'
import { median, spread, table } from './measure.ts'
import { BINARY, startServer } from './server.ts'

export const title = 'Start and idle memory'
const RUNS = 7
export const MANY = 1000

export async function run(): Promise<string> {
  const few = await sampleFolder()
  const many = await manyFolder(few)
  const rows: (string | number)[][] = []
  for (const [name, folder] of [
    ['sample data', few],
    [`${MANY} WKW datasets`, many],
  ] as const) {
    const ready: number[] = []
    const listed: number[] = []
    let memory = 0
    for (let n = -1; n < RUNS; n++) {
      const { readyMs, listedMs } = await timeStart(folder)
      if (n < 0) continue
      ready.push(readyMs)
      listed.push(listedMs)
    }
    {
      await using server = await startServer(['--data', folder])
      await fetch(`${server.url}/data/datasets`).then((response) => response.text())
      await Bun.sleep(3000)
      memory = server.memory().now
    }
    rows.push([name, median(ready), spread(ready), median(listed), memory])
  }
  const head = ['folder', 'health answers after ms', 'spread', 'all listed after ms', 'idle RSS MiB']
  return `${RUNS} starts each; from exec to the answer, the port being asked every 2 ms. Bars: health within 300 ms with ${MANY} datasets, idle memory at most 150 MiB.\n\n${table(head, rows)}`
}

/** `listedMs`: until no dataset is still being opened. */
export async function timeStart(folder: string): Promise<{ readyMs: number; listedMs: number }> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const url = `http://127.0.0.1:${port}`
  const start = performance.now()
  const child = Bun.spawn([BINARY, '--port', String(port), '--data', folder], { stdio: ['ignore', 'ignore', 'ignore'] })
  try {
    for (;;) {
      if (
        await fetch(`${url}/data/health`).then(
          (response) => response.ok,
          () => false,
        )
      )
        break
      await Bun.sleep(2)
    }
    const readyMs = performance.now() - start
    while ((await (await fetch(`${url}/data/datasets`)).text()).includes('"status":"opening"'));
    return { readyMs, listedMs: performance.now() - start }
  } finally {
    child.kill()
    await child.exited
  }
}

const bench = (name: string) => join(import.meta.dir, '../.bench', name)

export async function sampleFolder(): Promise<string> {
  const folder = bench('sample')
  if (!existsSync(folder)) await writeSample(folder)
  return folder
}

export async function manyFolder(sample: string): Promise<string> {
  const folder = bench('many')
  if (existsSync(folder)) return folder
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  for (let n = 0; n < MANY; n++) {
    const target = join(making, `lab${n % 10}`, `cells${n}`)
    await mkdir(join(target, '..'), { recursive: true })
    const source = join(sample, 'binary/sample_organization/cells')
    // the files that opening looks at, and one cube of each layer
    await cp(source, target, { recursive: true, filter: (path) => !/[\\/][124][\\/]z/.test(path) || /4[\\/]z0/.test(path) })
  }
  await rename(making, folder)
  return folder
}
