/**
 * Records what the thread it is called on is doing, about a thousand times a second. The result is a Chrome `.cpuprofile` as JSON, which
 * DevTools and speedscope open. Each thread has a sampler of its own, and only one at a time.
 */
import { Session } from 'node:inspector'

/** Throws where the sampler cannot be started. */
export async function recordCpuProfile(ms: number): Promise<string> {
  const session = new Session()
  session.connect()
  const ask = (method: string) =>
    new Promise<{ readonly profile?: unknown }>((resolve, reject) =>
      session.post(method, (error: Error | null, result?: object) => (error ? reject(error) : resolve(result ?? {}))),
    )
  try {
    await ask('Profiler.enable')
    await ask('Profiler.start')
    await new Promise((resolve) => setTimeout(resolve, ms))
    return JSON.stringify((await ask('Profiler.stop')).profile)
  } finally {
    session.disconnect()
  }
}
