/**
 * A value now or later. The hot path is synchronous when chunks are cached or lie on a local disk, and a promise per chunk would
 * cost more than the copy it waits for.
 */
export type MaybePromise<T> = T | Promise<T>

/** Goes on with a value at once if it is there. What `next` throws is thrown or rejected accordingly. */
export function chain<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** Runs `work`; what it throws or rejects with goes to `explain`, whose result or error counts instead. */
export function recover<T>(work: () => MaybePromise<T>, explain: (error: unknown) => MaybePromise<T>): MaybePromise<T> {
  try {
    const result = work()
    return result instanceof Promise ? result.catch(explain) : result
  } catch (error) {
    return explain(error)
  }
}

/** Runs `work` and then `after`, whether it succeeds, throws or rejects. */
export function always<T>(work: () => MaybePromise<T>, after: () => void): MaybePromise<T> {
  let result: MaybePromise<T>
  try {
    result = work()
  } catch (error) {
    after()
    throw error
  }
  if (result instanceof Promise) return result.finally(after)
  after()
  return result
}

/** Does one thing after the other, at once as long as none of them takes time. */
export function each<T>(items: readonly T[], work: (item: T, n: number) => MaybePromise<void>, from = 0): MaybePromise<void> {
  for (let n = from; n < items.length; n++) {
    const step = work(items[n]!, n)
    if (step instanceof Promise) return step.then(() => each(items, work, n + 1))
  }
}
