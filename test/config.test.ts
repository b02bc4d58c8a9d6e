import { describe, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../src/config/error.ts'
import { findDatasetsFile, resolveConfig } from '../src/config/resolve.ts'
import { describeSettings } from '../src/config/settings.ts'
import { emptyFolder } from './support/binary.ts'

function folderWith(config: unknown): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
  return folder
}

const predecessor = {
  server: { host: '0.0.0.0', port: 8123, url: 'http://localhost:8123' },
  datastore: { name: 'connect', key: 'secret' },
  webknossos: { url: 'http://localhost:9000' },
  backends: { wkw: {}, neuroglancer: {}, boss: {}, tiff: {} },
  datasets_path: 'data/datasets.json',
}

describe('where a setting comes from', () => {
  const data = folderWith(predecessor)
  test.each([
    ['a flag', ['--port', '1'], { WK_PORT: '2' }, 1, 'flag'],
    ['the environment', [], { WK_PORT: '2' }, 2, 'environment'],
    ['config.json, where the variable is empty', [], { WK_PORT: '' }, 8123, 'config.json'],
  ] as const)('%s', (_, flags, environment, port, source) => {
    const { settings, sources } = resolveConfig(['--data', data, ...flags], environment)
    expect([settings.port, sources.port]).toEqual([port, source])
  })

  test('the default', () => {
    const { settings, sources } = resolveConfig(['--data', emptyFolder()], {})
    expect([settings.host, settings.port, sources.port]).toEqual(['127.0.0.1', 8000, 'default'])
    expect(settings.cache).toBeLessThanOrEqual(1024 ** 3)
  })

  test('a predecessor’s config.json', () => {
    const { settings } = resolveConfig(['--data', data], {})
    expect([settings.host, settings.port, settings.datasetsPath]).toEqual(['0.0.0.0', 8123, 'data/datasets.json'])
  })
})

test.each([
  ['512MB', 512 * 1024 ** 2],
  ['1.5GiB', 1.5 * 1024 ** 3],
  ['2g', 2 * 1024 ** 3],
  ['0', 0],
  ['1000', 1000],
])('the size %s', (text, bytes) => {
  expect(resolveConfig(['--data', emptyFolder(), '--cache', text], {}).settings.cache).toBe(bytes)
})

test('lists are repeated flags or commas in the environment', () => {
  const data = emptyFolder()
  expect(resolveConfig(['--data', data, '--allow-path', '/a', '--allow-path', '/b'], {}).settings.allowPath).toEqual(['/a', '/b'])
  expect(resolveConfig(['--data', data], { WK_ALLOW_PATH: '/a,/b' }).settings.allowPath).toEqual(['/a', '/b'])
})

test.each([
  [['--port', 'x'], {}, /--port.*"x"/],
  [['--port', '65536'], {}, /port.*65536/],
  [[], { WK_PORT: '1.5' }, /WK_PORT.*1\.5/],
  [['--cache', 'lots'], {}, /--cache.*"lots".*512MB/],
  [['--prot', '1'], {}, /--prot/],
  [[], { WK_SAMPLE: 'perhaps' }, /WK_SAMPLE/],
])('%j %j is refused with its name and value', (flags, environment, words) => {
  const resolve = () => resolveConfig(['--data', emptyFolder(), ...flags], environment as Record<string, string>)
  expect(resolve).toThrow(ConfigError)
  expect(resolve).toThrow(words)
})

test('a config.json that is broken is said with line and column', () => {
  expect(() => resolveConfig(['--data', folderWith('{\n  "server": {,}\n}')], {})).toThrow(/config\.json, line 2, column 14/)
})

test('the first folder among the arguments is the data folder where no flag names one', () => {
  const folder = emptyFolder()
  expect(resolveConfig([folder], {}).settings.data).toBe(folder)
})

describe('datasets.json lies', () => {
  const settings = (data: string, datasetsPath: string) => resolveConfig(['--data', data, '--datasets-path', datasetsPath], {}).settings
  test('beside and above the data folder, as the predecessor has it', () => {
    const home = emptyFolder()
    mkdirSync(join(home, 'lab'))
    const file = join(home, 'lab/list.json')
    writeFileSync(file, '{}')
    expect(findDatasetsFile(settings(join(home, 'lab'), 'lab/list.json'))).toBe(file)
    expect(findDatasetsFile(settings(join(home, 'lab'), 'list.json'))).toBe(file)
    expect(findDatasetsFile(settings(join(home, 'lab'), 'datasets.json'))).toBe(join(home, 'lab/datasets.json'))
  })
})

test('every setting has a flag, a variable and a description', () => {
  for (const { flag, variable, description } of describeSettings()) {
    expect(flag).toMatch(/^--[a-z-]+/)
    expect(variable).toMatch(/^WK_[A-Z_]+$/)
    expect(description.length).toBeGreaterThan(10)
  }
})
