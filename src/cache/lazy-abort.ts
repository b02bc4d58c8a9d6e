/** An AbortController made only when somebody listens: most reads end before that. */
export class LazyAbort {
  #controller: AbortController | undefined

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#controller?.abort(reason)
  }
}
