import type { DecodePool } from '../../codecs/pool.ts'
import type { ThreadProfile } from '../api/context.ts'
import { recordCpuProfile } from '../metrics/cpu-profile.ts'

/** Records this serving thread, which comes first, and those that decode for it. `number`: 0 is the main one. */
export async function recordThread(number: number, pool: DecodePool, ms: number): Promise<ThreadProfile[]> {
  const [serving, decoding] = await Promise.all([recordCpuProfile(ms), pool.record(ms)])
  const of = number === 0 ? '' : `, thread ${number}`
  return [{ name: `serving${of}`, profile: serving }, ...decoding.map((profile, n) => ({ name: `decoding ${n + 1}${of}`, profile }))]
}

/** One recording at a time: undefined while one is under way. */
export function createRecorder(record: (ms: number) => Promise<ThreadProfile[]>): (ms: number) => Promise<ThreadProfile[] | undefined> {
  let isRecording = false
  return async (ms) => {
    if (isRecording) return undefined
    isRecording = true
    try {
      return await record(ms)
    } finally {
      isRecording = false
    }
  }
}
