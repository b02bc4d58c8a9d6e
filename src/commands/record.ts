import type { DecodePool } from '../../codecs/pool.ts'
import type { ThreadProfile } from '../api/context.ts'
import { recordCpuProfile } from '../metrics/cpu-profile.ts'

/** Records this thread, which comes first, and those that decode for it. Undefined while a recording is under way. */
export function createRecorder(pool: DecodePool): (ms: number) => Promise<ThreadProfile[] | undefined> {
  let isRecording = false
  return async (ms) => {
    if (isRecording) return undefined
    isRecording = true
    try {
      const [serving, decoding] = await Promise.all([recordCpuProfile(ms), pool.record(ms)])
      return [{ name: 'serving', profile: serving }, ...decoding.map((profile, n) => ({ name: `decoding ${n + 1}`, profile }))]
    } finally {
      isRecording = false
    }
  }
}
