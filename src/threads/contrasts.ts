import type { CatalogueEntry } from '../datasets/catalogue.ts'
import type { Contrast, KnownContrasts } from '../datasets/contrasts.ts'
import type { Layer } from '../volume/chunked-array.ts'
import type { MainThread } from './roles.ts'

type Entry = Pick<CatalogueEntry, 'versionedId' | 'dataset'>

/** What the main thread has measured, as far as this thread has asked. */
export class AskedContrasts implements KnownContrasts {
  readonly #main: Pick<MainThread, 'contrasts'>
  readonly #known = new Map<string, Record<string, Contrast | null>>()

  constructor(main: Pick<MainThread, 'contrasts'>) {
    this.#main = main
  }

  of({ versionedId }: Entry, layer: Layer): Contrast | undefined {
    return this.#known.get(versionedId)?.[layer.name] ?? undefined
  }

  async settle(entries: readonly Entry[], timeoutMs: number): Promise<void> {
    await Promise.all(
      entries.map(async ({ versionedId, dataset }) => {
        const known = this.#known.get(versionedId)
        if (dataset?.layers.every(({ name }) => known?.[name] !== undefined)) return
        this.#known.set(versionedId, await this.#main.contrasts(versionedId, timeoutMs))
      }),
    )
  }

  drop(versionedId: string): void {
    this.#known.delete(versionedId)
  }
}
