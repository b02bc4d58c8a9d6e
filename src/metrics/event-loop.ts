/** How late a timer fires: for so long nobody's request was looked at. */
import { Histogram, type Registry } from './registry.ts'

const EVERY_MS = 50
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]

export class EventLoop {
  readonly #late = new Histogram(SECONDS)
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(registry: Registry) {
    registry.histograms(
      { name: 'wkconnect_event_loop_delay_seconds', help: 'How late a timer of 50 ms fires: for so long nothing else was answered.' },
      () => [[{}, this.#late]],
    )
  }

  /** Watches the thread it is called on until it is stopped. Does not keep the process alive. */
  start(): void {
    let due = performance.now() + EVERY_MS
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#late.observe(Math.max(0, now - due) / 1000)
      due = now + EVERY_MS
    }, EVERY_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
