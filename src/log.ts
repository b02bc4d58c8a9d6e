/** Lines for a person, on standard error; a problem that repeats is said once a minute with how often it came. */
export interface Log {
  info(line: string): void
  warn(line: string): void
  /** Says `line` at most once a minute for the same `topic`. */
  trouble(topic: string, line: string): void
}

const REPEAT_MS = 60_000
const MAX_TOPICS = 1000

const toTerminal = (line: string): void => {
  process.stderr.write(`${line}\n`)
}

/** One JSON object a line: time, level, message. */
function createJsonLines(write: (line: string) => void) {
  return (level: 'info' | 'warn' | 'error', message: string) => write(JSON.stringify({ time: new Date().toISOString(), level, message }))
}

export function createLog(format: 'text' | 'json' = 'text', write: (line: string) => void = toTerminal): Log {
  const topics = new Map<string, { at: number; silent: number }>()
  const stamp = () => new Date().toISOString().slice(0, 19).replace('T', ' ')
  // names come from files and requests: no line breaks or control characters of theirs reach a terminal
  const clean = (line: string) => line.replace(/[^\P{Cc}\n]/gu, '?')
  const json = createJsonLines(write)
  const say = (level: 'info' | 'warn' | 'error', line: string, stamped: string) => {
    if (format === 'text') write(stamped)
    else for (const one of clean(line).split('\n')) json(level, one.trim())
  }
  return {
    info: (line) => say('info', line, clean(line)),
    warn: (line) => say('warn', line, `${stamp()} warning: ${clean(line)}`),
    trouble(topic, line) {
      const now = Date.now()
      const known = topics.get(topic)
      if (known && now - known.at < REPEAT_MS) {
        known.silent++
        return
      }
      if (topics.size >= MAX_TOPICS) topics.clear()
      topics.set(topic, { at: now, silent: 0 })
      const words = `${clean(line).replaceAll('\n', ' ')}${known?.silent ? ` (and ${known.silent} times more in the last minutes)` : ''}`
      say('error', words, `${stamp()} ${words}`)
    },
  }
}
