/**
 * Tells how fast core 0 is just now. On a shared host other guests slow it down for seconds at a time, and not all code alike: what was
 * measured meanwhile says nothing. Run by itself it answers each line with how many ms a fixed piece of work took.
 */
import { pinned } from './server.ts'

const CALIBRATIONS = 100
const WAIT_MS = 100
/** Slower than the quickest time seen by this factor is disturbed. */
const DISTURBED = 1.2
/** For waiting and measuring again, altogether. */
const PATIENCE_MS = 6 * 60_000

export interface Witness extends AsyncDisposable {
  /** What `measure` gives where the core is undisturbed before and after; when patience ends, whatever it gives. */
  undisturbed<T>(measure: () => Promise<T>): Promise<T>
  /** Measurements thrown away, and those kept although they were disturbed. */
  readonly counts: { readonly repeated: number; readonly kept: number }
}

/** Learns first, for some seconds, how quick the core can be; of a core that is disturbed all that time it learns too little. */
export async function startWitness(): Promise<Witness> {
  const child = Bun.spawn(pinned(0, [process.execPath, import.meta.path]), { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  const answers = child.stdout.getReader()
  const workMs = async (): Promise<number> => {
    child.stdin.write('\n')
    child.stdin.flush()
    const { value } = await answers.read()
    return Number(new TextDecoder().decode(value))
  }
  let quickest = Number.POSITIVE_INFINITY
  const isDisturbed = async (): Promise<boolean> => {
    const ms = await workMs()
    quickest = Math.min(quickest, ms)
    return ms > DISTURBED * quickest
  }
  for (let n = 0; n < CALIBRATIONS; n++) {
    await isDisturbed()
    await Bun.sleep(20)
  }
  let patience = PATIENCE_MS
  const counts = { repeated: 0, kept: 0 }
  return {
    counts,
    async undisturbed(measure) {
      for (;;) {
        const start = performance.now()
        let isBad = await isDisturbed()
        if (isBad && patience > 0) {
          await Bun.sleep(WAIT_MS)
          patience -= performance.now() - start
          continue
        }
        const value = await measure()
        isBad = (await isDisturbed()) || isBad
        if (isBad && patience > 0) {
          counts.repeated++
          patience -= performance.now() - start
          continue
        }
        if (isBad) counts.kept++
        return value
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

const TEXT = JSON.stringify(Array.from({ length: 400 }, (_, n) => ({ position: [n, 2 * n, 3 * n], mag: [1, 1, 1], cubeSize: 32 })))

/** Something that keeps many units of a core busy: a plain loop does not notice who shares it. */
function work(): number {
  const start = performance.now()
  let length = 0
  for (let n = 0; n < 30; n++) length += JSON.parse(TEXT).length
  return length === 0 ? 0 : performance.now() - start
}

if (import.meta.main) for await (const _ of console) console.log(work())
