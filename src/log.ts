/** Lines for a person, on standard error; a problem that repeats is said once a minute with how often it came. */
export interface Log {
  info(line: string): void
  warn(line: string): void
  /** Says `line` at most once a minute for the same `topic`. */
  trouble(topic: string, line: string): void
}

const REPEAT_MS = 60_000
const MAX_TOPICS = 1000

export function createLog(write: (line: string) => void = (line) => process.stderr.write(`${line}\n`)): Log {
  const topics = new Map<string, { at: number; silent: number }>()
  const stamp = () => new Date().toISOString().slice(0, 19).replace('T', ' ')
  // names come from files and requests: no line breaks or control characters of theirs reach a terminal
  const clean = (line: string) => line.replace(/[^\P{Cc}\n]/gu, '?')
  return {
    info: (line) => write(clean(line)),
    warn: (line) => write(`${stamp()} warning: ${clean(line)}`),
    trouble(topic, line) {
      const now = Date.now()
      const known = topics.get(topic)
      if (known && now - known.at < REPEAT_MS) {
        known.silent++
        return
      }
      if (topics.size >= MAX_TOPICS) topics.clear()
      topics.set(topic, { at: now, silent: 0 })
      write(
        `${stamp()} ${clean(line).replaceAll('\n', ' ')}${known?.silent ? ` (and ${known.silent} times more in the last minutes)` : ''}`,
      )
    },
  }
}
