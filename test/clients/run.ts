/** `bun run clients [name …]`: real clients read from the executable; prints what each opened, compared and asked for. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientRow } from './client.ts'

const NOT_CLIENTS = ['run.ts', 'client.ts']
const clients = readdirSync(import.meta.dir)
  .filter((file) => file.endsWith('.ts') && !NOT_CLIENTS.includes(file))
  .map((file) => file.slice(0, -3))
const asked = process.argv.slice(2)
for (const name of asked) if (!clients.includes(name)) throw new Error(`no client ${name}; there are ${clients.join(', ')}`)

const built = Bun.spawnSync([process.execPath, 'build.ts'], { cwd: join(import.meta.dir, '../..'), stdio: ['ignore', 'ignore', 'inherit'] })
if (built.exitCode !== 0) process.exit(1)

console.log('| client | version | opened | compared | asked for |\n| --- | --- | --- | --- | --- |')
let failed = 0
for (const name of asked.length > 0 ? asked : clients) {
  try {
    const { run } = (await import(`./${name}.ts`)) as { run(): Promise<ClientRow[]> }
    for (const { client, version, opened, compared, asked: requests } of await run())
      console.log(`| ${client} | ${version} | ${opened} | ${compared} | ${requests} |`)
  } catch (error) {
    failed++
    console.log(`| ${name} | | **failed** | | |`)
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
  }
}
process.exit(failed > 0 ? 1 : 0)
