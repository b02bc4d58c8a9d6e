/**
 * Which folders of this machine may be read. Everything is compared as real paths, so a symbolic link counts as what it points to.
 */
import { realpath } from 'node:fs/promises'
import { dirname, sep } from 'node:path'
import { OutsideAllowed } from '../volume/errors.ts'

/** True when `path` is `folder` or lies below it. Both absolute and without links. */
export const isInside = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep)

export class AllowedFolders {
  readonly #folders: readonly string[]

  private constructor(folders: readonly string[]) {
    this.#folders = folders
  }

  /** Folders that do not exist are left out: nothing can lie in them. */
  static async of(folders: readonly string[]): Promise<AllowedFolders> {
    const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)))
    return new AllowedFolders(real.filter((folder) => folder !== undefined))
  }

  /** These folders and one more, given as a real path. */
  and(folder: string): AllowedFolders {
    return new AllowedFolders([...this.#folders, folder])
  }

  includes(realPath: string): boolean {
    return this.#folders.some((folder) => isInside(folder, realPath))
  }

  /** Throws `OutsideAllowed` where `realPath`, which is what `path` leads to, may not be read. */
  check(path: string, realPath: string): void {
    if (!this.includes(realPath)) throw new OutsideAllowed(path, realPath, dirname(realPath))
  }
}
