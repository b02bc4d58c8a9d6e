/** Listens, with a certificate where there is one; when its files change the new one is taken without breaking off an answer. */
import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Server } from 'bun'
import type { Elysia } from 'elysia'
import { ConfigError } from '../config/error.ts'
import { within } from '../datasets/catalogue.ts'
import type { Log } from '../log.ts'
import { versionOf } from '../stores/handles.ts'
import { messageOf } from '../volume/errors.ts'

export interface ListenOptions {
  readonly hostname: string
  readonly port: number
  readonly tlsCert: string
  readonly tlsKey: string
  /** Other threads listen on the same port. */
  readonly isShared?: boolean
}

export interface Listener {
  readonly port: number
  /** Stops listening, waits up to `graceMs` for answers under way, then breaks them off. */
  stop(graceMs: number): Promise<void>
}

interface Pair {
  readonly cert: string
  readonly key: string
}

const CHECK_MS = 2000

// biome-ignore lint/suspicious/noExplicitAny: an app with any routes
type App = Elysia<any, any, any, any, any, any, any>

/** Throws `ConfigError` for a certificate that cannot be used, and what listening throws. */
export async function listen(app: App, { hostname, port, tlsCert, tlsKey, isShared = false }: ListenOptions, log: Log): Promise<Listener> {
  if (Boolean(tlsCert) !== Boolean(tlsKey)) throw new ConfigError('--tls-cert and --tls-key go together')
  const open = (onPort: number, pair: Pair | undefined): Server<unknown> => {
    app.listen({
      hostname,
      port: onPort,
      // two servers on one port answer in turns
      reusePort: isShared,
      // a client that neither sends nor reads for this long is gone
      idleTimeout: 60,
      // bodies that are too large are refused by us, with a reason; the runtime's own 413 has none
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      ...(pair ? { tls: pair } : {}),
    })
    return app.server!
  }
  const first = tlsCert ? await readPair(tlsCert, tlsKey).catch((error) => Promise.reject(new ConfigError(messageOf(error)))) : undefined
  let current = open(port, first)
  const bound = current.port ?? port
  const renewal = first ? renew(tlsCert, tlsKey, first) : undefined
  return { port: bound, stop }

  function renew(certFile: string, keyFile: string, now: Pair): ReturnType<typeof setInterval> {
    let pair = now
    let seen = ''
    const timer = setInterval(async () => {
      try {
        const versions = `${versionOf(await stat(certFile))} ${versionOf(await stat(keyFile))}`
        if (versions === seen) return
        const next = await readPair(certFile, keyFile)
        seen = versions
        if (next.cert === pair.cert && next.key === pair.key) return
        pair = next
        const before = current
        // answers under way go on; nobody waits for them
        if (!isShared) void before.stop()
        current = open(bound, pair)
        if (isShared) void before.stop()
        log.info(`The certificate ${certFile} was read again`)
      } catch (error) {
        log.trouble('tls', `the certificate stays as it was: ${messageOf(error)}`)
      }
    }, CHECK_MS)
    timer.unref()
    return timer
  }

  async function stop(graceMs: number): Promise<void> {
    clearInterval(renewal)
    await within(current.stop(), graceMs)
    await current.stop(true)
  }
}

/** Throws where they cannot be read or do not belong together. */
async function readPair(certFile: string, keyFile: string): Promise<Pair> {
  const read = (file: string) =>
    readFile(file, 'utf8').catch((error) => Promise.reject(new Error(`${file} cannot be read: ${messageOf(error)}`)))
  const [cert, key] = [await read(certFile), await read(keyFile)]
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    throw new Error(`${certFile} and ${keyFile} cannot be used together: ${messageOf(error)}`)
  }
  return { cert, key }
}

/** Threads that share a port would share it with another program that does, too. Throws what listening throws. */
export async function checkFree(hostname: string, port: number): Promise<void> {
  if (port === 0) return
  const alone = Bun.serve({ hostname, port, reusePort: false, fetch: () => new Response('') })
  await alone.stop(true)
}
