import { Deadline } from '../volume/errors.ts'

/** Below the 60 s after which a silent connection is closed, and what viewers have patience for. */
export const ANSWER_MS = 20_000

/**
 * A signal for reading what may have to be made first: it stops the waiting, not the work. `signal`: the request's own, which stops
 * both. `why`: what it fires with. Call `clear` when the answer is there.
 */
export function startDeadline(
  signal?: AbortSignal,
  timeoutMs = ANSWER_MS,
  why: () => Error = () => new Deadline({ cause: `not made within ${timeoutMs / 1000} s; the work goes on` }),
): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(why()), timeoutMs)
  const leave = () => controller.abort(signal?.reason)
  if (signal?.aborted) leave()
  else signal?.addEventListener('abort', leave, { once: true })
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', leave)
    },
  }
}
