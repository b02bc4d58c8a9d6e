/** The documentation and the program say the same. */
import { expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeSettings } from '../src/config/settings.ts'

const root = join(import.meta.dir, '..')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)]
const read = (page: string) => readFileSync(join(root, page), 'utf8')

test('docs/settings.md has a row for every setting', () => {
  const rows = read('docs/settings.md')
    .split('\n')
    .filter((line) => line.startsWith('| `--'))
  expect(
    rows.map((row) =>
      row
        .split('|')
        .slice(1, 3)
        .map((cell) => cell.trim())
        .join(' '),
    ),
  ).toEqual(describeSettings().map(({ flag, variable }) => `\`${flag}\` \`${variable}\``))
})

test.each(pages)('%s names no flag or variable that is not there', (page) => {
  const flags = new Set(describeSettings().map(({ flag }) => flag.split(' ')[0]))
  for (const other of [
    '--help',
    '--version',
    '--yes',
    '--name',
    '--scale',
    '--json',
    '--token',
    '--sql',
    '--compression',
    '--target',
    '--tile',
    '--pyramid',
    '--bigtiff',
    '--outfile',
  ])
    flags.add(other)
  const variables = new Set(describeSettings().flatMap(({ variable }) => [variable, `${variable}_FILE`]))
  for (const [flag] of read(page).matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) expect([...flags]).toContain(flag)
  for (const [variable] of read(page).matchAll(/\bWK_[A-Z_]+\b/g)) expect([...variables]).toContain(variable)
})

test.each(pages)('%s links to pages and files that are there', (page) => {
  for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
    expect([target, existsSync(join(root, dirname(page), target!))]).toEqual([target, true])
  }
})
