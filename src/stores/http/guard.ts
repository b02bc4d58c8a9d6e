/**
 * Where URLs of strangers may lead: to the public internet, and to what `--allow-remote` names. Names are resolved here, all their
 * addresses are looked at, and the connection goes to the very address that was (a second look-up could answer differently).
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { messageOf, Unusable, UpstreamError } from '../../volume/errors.ts'
import { isPublicAddress } from './addresses.ts'
import { isBelow } from './url.ts'

export type Lookup = (host: string) => Promise<readonly { readonly address: string }[]>

export class Guard {
  readonly #allowed: readonly string[]
  readonly #lookup: Lookup

  /** `allowed`: beginnings of URLs that may be reached whatever their address. */
  constructor(allowed: readonly string[], resolve: Lookup = (host) => lookup(host, { all: true })) {
    this.#allowed = allowed
    this.#lookup = resolve
  }

  /**
   * The address to connect to; undefined where the URL is allowed by name. Throws `Unusable` for anything that is not public,
   * `UpstreamError` for a name nobody knows.
   */
  async addressOf(url: URL): Promise<string | undefined> {
    if (this.#allowed.some((prefix) => isBelow(prefix, url))) return undefined
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(host) ? [{ address: host }] : await this.#resolve(host)
    const [first] = addresses
    if (!first) throw new UpstreamError({ file: url.origin, cause: `${host} has no address` })
    if (addresses.every(({ address }) => isPublicAddress(address))) return first.address
    throw new Unusable(
      `${url.origin} is not an address of the public internet, and what is added over the network may only lead there; ` +
        `--allow-remote ${url.origin}/ allows it`,
    )
  }

  async #resolve(host: string): Promise<readonly { readonly address: string }[]> {
    try {
      return await this.#lookup(host)
    } catch (error) {
      throw new UpstreamError({ file: host, cause: `the name is not known (${messageOf(error)})` })
    }
  }
}
