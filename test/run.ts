/** Builds the executable, runs all tests, and ends with "N passed, N failed" as the runner's report has it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const bun = process.execPath
const folder = mkdtempSync(join(tmpdir(), 'wkconnect-test-'))
const report = join(folder, 'report.xml')

function run(command: string[]): number {
  return Bun.spawnSync(command, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, BUN_BE_BUN: '1', TMPDIR: folder } })
    .exitCode
}

// two at a time: most files wait for servers, time-outs and disks more than they compute
let failures = run([bun, 'build.ts'])
if (failures === 0)
  failures = run([
    bun,
    'test',
    '--parallel=2',
    '--timeout',
    '60000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...process.argv.slice(2),
  ])

const totals = existsSync(report) ? /<testsuites\b[^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] : undefined
rmSync(folder, { recursive: true, force: true })
const count = (name: string) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(totals ?? '')?.[1] ?? 0)
const failed = count('failures') + count('errors')
const skipped = count('skipped')
console.log(
  `${count('tests') - failed - skipped} passed, ${totals ? failed : Math.max(1, failed)} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)
process.exit(failures)
