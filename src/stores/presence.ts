/**
 * Tells "nothing is stored there" from "the disk is not there". A disk that is unmounted leaves an empty folder, or none, in which every
 * file is missing; without this its datasets would be black instead of failing.
 */
import { UpstreamError } from '../volume/errors.ts'
import { chain, type MaybePromise } from '../volume/maybe-promise.ts'

export interface Place {
  readonly device: number
  readonly isEmpty: () => MaybePromise<boolean>
}

export class Presence {
  readonly #look: (folder: string) => MaybePromise<Place | undefined>
  /** Devices by folder: '', or the first folder of the keys below it, for layers are often links to other disks. */
  readonly #devices = new Map<string, number>()

  /** `look`: at a folder relative to the store, undefined where there is none. */
  constructor(look: (folder: string) => MaybePromise<Place | undefined>) {
    this.#look = look
  }

  /** Something was found under this key, so its folder is there. */
  found(key: string): MaybePromise<void> {
    const folder = folderOf(key)
    if (this.#devices.has(folder)) return
    return chain(this.#look(folder), (place) => {
      if (place) this.#devices.set(folder, place.device)
    })
  }

  /** Nothing was found under this key. Throws `UpstreamError` where that says nothing, because its folder was there and is not now. */
  missing(key: string, path: string): MaybePromise<undefined> {
    const folder = folderOf(key)
    const device = this.#devices.get(folder)
    if (device === undefined) return undefined
    return chain(this.#look(folder), (place): MaybePromise<undefined> => {
      if (place?.device === device) return undefined
      return chain(place ? place.isEmpty() : true, (isEmpty) => {
        if (isEmpty || !place) throw new UpstreamError({ file: path, cause: 'its disk is not mounted, or its folder is gone' })
        // mounted again, which may give it another number
        this.#devices.set(folder, place.device)
        return undefined
      })
    })
  }
}

const folderOf = (key: string): string => (key.includes('/') ? key.slice(0, key.indexOf('/')) : '')
