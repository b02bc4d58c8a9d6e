/**
 * Serving threads beside the main one are processes: two threads of one process got 0.6 of the requests per CPU second of one
 * (docs/performance.md), two processes all of them. Each is this executable once more, and is told over its channel what to serve.
 */

import type { Port } from '../threads/channel.ts'
import type { Peer } from '../threads/hub.ts'
import { FILE_OPERATIONS } from './native.ts'

/** What makes a process one that serves for another. */
const MARK = 'WKCONNECT_SERVES_FOR'

/** build.ts says whether all modules are in one executable. */
declare const WKCONNECT_VERSION: string | undefined
const isExecutable = typeof WKCONNECT_VERSION !== 'undefined'

/** Undefined where this process was started by somebody else. */
export const servesFor: string | undefined = process.send ? process.env[MARK] : undefined

export function startServingProcess(): Peer {
  const early: unknown[] = []
  let receive: Port['onmessage'] = null
  let hasEnded: string | undefined
  let tell: ((cause: string) => void) | undefined
  const child = Bun.spawn({
    cmd: isExecutable ? [process.execPath] : [process.execPath, new URL('../main.ts', import.meta.url).pathname],
    env: { ...process.env, UV_THREADPOOL_SIZE: process.env['UV_THREADPOOL_SIZE'] ?? String(FILE_OPERATIONS), [MARK]: String(process.pid) },
    stdio: ['ignore', 'ignore', 'inherit'],
    serialization: 'advanced',
    ipc: (data) => (receive ? receive({ data }) : early.push(data)),
    onExit(_, code, signal) {
      hasEnded = signal ? `it was ended by signal ${signal}` : `it ended with ${code}`
      tell?.(hasEnded)
    },
  })
  return {
    postMessage(message) {
      // of one that is gone the channel is told by `onEnded`
      if (hasEnded === undefined) child.send(message)
    },
    get onmessage() {
      return receive
    },
    set onmessage(value) {
      receive = value
      for (const data of early.splice(0)) receive?.({ data })
    },
    onEnded(work) {
      tell = work
      if (hasEnded !== undefined) work(hasEnded)
    },
    terminate: () => child.kill('SIGKILL'),
  }
}

/** The other side, in the process that was started. It ends with the one it serves for, and not by signals meant for all of a terminal. */
export function portToMain(): Port {
  const port: Port = { postMessage: (message) => void process.send!(message), onmessage: null }
  process.on('message', (data) => port.onmessage?.({ data }))
  process.on('disconnect', () => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  return port
}
