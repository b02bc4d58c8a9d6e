import { describeSettings } from '../config.ts'
import { commit, version } from '../version.ts'

const HEAD = `wkconnect shows microscopy volumes in webKnossos where they lie.

Usage:
  wkconnect [PATH …] [flags]     serve the datasets of a folder, or single TIFF files
  wkconnect --help | --version

Examples:
  wkconnect --data ./data
  wkconnect ./scans/brain.tif
  wkconnect /mnt/wkw/datasets --port 9000

Flags (also as the environment variable, and some in DIR/config.json; a flag wins over both):
`

const WIDTH = 26

export function helpText(): string {
  const rows = describeSettings().map(({ flag, variable, description, default: value }) => {
    const shown = value === undefined || value === false || (Array.isArray(value) && value.length === 0) ? '' : ` [${value}]`
    return `  ${flag.padEnd(WIDTH)} ${description}${shown}\n  ${''.padEnd(WIDTH)} ${variable}\n`
  })
  return `${HEAD}${rows.join('')}`
}

export const versionText = (): string => `wkconnect ${version} (${commit}), Bun ${Bun.version}\n`
