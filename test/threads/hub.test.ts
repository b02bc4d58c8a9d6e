import { expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { startServer } from '../../src/commands/server.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { createLog } from '../../src/log.ts'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

async function until(claim: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; !(await claim()); await Bun.sleep(20)) if (Date.now() > end) throw new Error('it took too long')
}

test.skipIf(process.platform !== 'linux')(
  'a serving thread that ends is replaced by one that knows all datasets, and said in the log',
  async () => {
    const data = emptyFolder()
    cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'lab/set'), { recursive: true })
    const lines: string[] = []
    const config = resolveConfig(
      ['--data', data, '--port', '0', '--threads', '2', '--cache-dir', 'none', '--log-requests', '--admin-token', 'x'],
      {},
    )
    const server = await startServer(
      config,
      {},
      createLog('text', (line) => lines.push(line)),
    )
    const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
    const path = '/data/datasets/lab/set/layers/color/data?x=3&y=5&z=9&width=4&height=4&depth=4&mag=1'
    const askOther = async () => {
      const before = count(/ 200 \(thread 1\)/)
      await until(async () => {
        const response = await fetch(server.url + path, { headers: { Connection: 'close' } })
        await response.bytes()
        expect(response.status).toBe(200)
        return count(/ 200 \(thread 1\)/) > before
      })
    }
    try {
      await server.catalogue.start()
      await until(() => count(/Serving thread 1 listens/) === 1)
      await askOther()
      expect((await server.threads.everyThread('recheck')).length).toBe(2)

      server.threads.replace(1)
      await until(() => count(/serving thread 1 is replaced/) === 1)
      // meanwhile the main thread has all connections
      for (let n = 0; n < 20; n++) expect((await fetch(server.url + path, { headers: { Connection: 'close' } })).status).toBe(200)
      await until(() => count(/Serving thread 1 listens/) === 2)
      await askOther()
      expect((await server.threads.everyThread('recheck')).length).toBe(2)
    } finally {
      await server.stop(1000)
    }
  },
  40_000,
)
