import { describeSettings } from '../config/settings.ts'
import { commit, version } from '../version.ts'

const HEAD = `wkconnect shows microscopy volumes in webKnossos where they lie.

Usage:
  wkconnect [PATH …] [flags]     serve the datasets of a folder, or single TIFF files
  wkconnect list [PATH …]        what would be served, and what not and why
  wkconnect add PATH|URL [--name NAME] [--scale X,Y,Z]
                                 list a dataset that lies elsewhere: gs://, s3://, https://, a neuroglancer link
  wkconnect set NAME --scale X,Y,Z
                                 correct the voxel size, in nm
  wkconnect remove NAME          take a dataset off the list; no data are touched
  wkconnect reset NAME           describe it as its files do, whatever was changed in webKnossos
  wkconnect register --core URL (--token TOKEN | --sql)
                                 make this server known to a webKnossos server
  wkconnect doctor [--token TOKEN]
                                 what is wrong with the connection or the data, and what to do
  wkconnect inspect PATH         what is in it, what is slow about it and what mends that
  wkconnect pyramid PATH|NAME    make overviews ahead of time, into --cache-dir
  wkconnect config               every setting, its value and where it comes from
  wkconnect health               ask a running server; exit code 0 if it answers
  wkconnect version [--json]
  wkconnect --help | --version

A running server notices what add, set and remove do. Exit codes: 0 done, 1 not done, 2 a setting
or argument that cannot be used.

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

export const versionJson = (): string => `${JSON.stringify({ version, commit, bun: Bun.version })}\n`
export const versionText = (): string => `wkconnect ${version} (${commit}), Bun ${Bun.version}\n`
