/** The file of `--credentials`: beginnings of sources and what opens everything below them. `{"https://host/lab/": {"token": "…"}}` */
import { stat } from 'node:fs/promises'
import { messageOf, Unusable } from '../../volume/errors.ts'
import { isBelowPath } from '../http/url.ts'
import { parseSource, shownPlace } from '../source.ts'
import { readJson } from './read.ts'

export class CredentialsFile {
  readonly #path: string
  #read: { readonly mtimeMs: number; readonly json: Record<string, unknown> } | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** What the longest fitting beginning has; undefined where none fits. Read again when the file changes. Throws `Unusable`. */
  async find(place: string): Promise<unknown> {
    const stats = await stat(this.#path).catch((error) => {
      throw new Unusable(`the file of credentials ${this.#path} cannot be read: ${messageOf(error).split(',')[0]}`)
    })
    if (this.#read?.mtimeMs !== stats.mtimeMs) this.#read = { mtimeMs: stats.mtimeMs, json: await readJson(this.#path) }
    const fitting = Object.keys(this.#read.json)
      .map((prefix) => ({ prefix, plain: normal(prefix) }))
      .filter(({ plain }) => isBelowPath(plain, place))
      .sort((a, b) => b.plain.length - a.plain.length)
    return fitting[0] && this.#read.json[fitting[0].prefix]
  }
}

function normal(prefix: string): string {
  try {
    return shownPlace(parseSource(prefix).place)
  } catch {
    return prefix
  }
}
