/** Stores on the network for tests: real ones, with time limits a test can wait for. */
import { type RemoteSettings, RemoteStores } from '../../src/stores/remote.ts'

export const remoteStores = (settings: Partial<RemoteSettings> = {}): RemoteStores =>
  new RemoteStores({ environment: {}, allowRemote: [], guardsStrangers: true, ...settings })

/** As the owner's own datasets.json names it. */
export const openTrusted = (source: string, settings: Partial<RemoteSettings> = {}, credentials?: unknown) =>
  remoteStores(settings).open(source, credentials, { isTrusted: true })
