import type { Store } from '../../stores/store.ts'

export interface CubeFile {
  readonly key: string
  /** Position in the grid of cube files. */
  readonly x: number
  readonly y: number
  readonly z: number
}

/** All cube files of a mag folder. `*.wkw_tmp`, which writers rename when they are done, and anything else is passed over. */
export async function* cubeFiles(store: Store, folder: string): AsyncGenerator<CubeFile> {
  if (!store.list) return
  for (const zEntry of await store.list(folder)) {
    const z = numberIn(/^z(\d{1,9})$/, zEntry.name)
    if (z === undefined || !zEntry.isFolder) continue
    for (const yEntry of await store.list(`${folder}/${zEntry.name}`)) {
      const y = numberIn(/^y(\d{1,9})$/, yEntry.name)
      if (y === undefined || !yEntry.isFolder) continue
      for (const xEntry of await store.list(`${folder}/${zEntry.name}/${yEntry.name}`)) {
        const x = numberIn(/^x(\d{1,9})\.wkw$/, xEntry.name)
        if (x !== undefined && !xEntry.isFolder) yield { key: `${folder}/${zEntry.name}/${yEntry.name}/${xEntry.name}`, x, y, z }
      }
    }
  }
}

function numberIn(pattern: RegExp, name: string): number | undefined {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
