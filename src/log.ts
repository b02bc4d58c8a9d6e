/** Lines for a person, on standard error; a problem that repeats is said once, then once a minute with how often it came. */
export interface Log {
  info(line: string): void
  warn(line: string): void
  /** Says `line` at most once a minute for the same `topic`; what was kept back is counted when that minute is over. */
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

/** `repeatMs`: how long the same trouble is kept back. */
export function createLog(format: 'text' | 'json' = 'text', write: (line: string) => void = toTerminal, repeatMs = REPEAT_MS): Log {
  /** How often each topic came since it was said. */
  const topics = new Map<string, { line: string; silent: number; timer: ReturnType<typeof setTimeout> }>()
  const stamp = () => new Date().toISOString().slice(0, 19).replace('T', ' ')
  // names come from files and requests: no line breaks or control characters of theirs reach a terminal
  const clean = (line: string) => line.replace(/[^\P{Cc}\n]/gu, '?')
  const json = createJsonLines(write)
  const say = (level: 'info' | 'warn' | 'error', line: string, stamped: string) => {
    if (format === 'text') write(stamped)
    else for (const one of clean(line).split('\n')) json(level, one.trim())
  }
  const complain = (line: string, more = '') => {
    const words = `${clean(line).replaceAll('\n', ' ')}${more}`
    say('error', words, `${stamp()} ${words}`)
  }
  const later = (topic: string) => {
    const timer = setTimeout(() => sum(topic, true), repeatMs)
    timer.unref()
    return timer
  }
  /** Says how often it came again; a topic that has become quiet is forgotten. */
  const sum = (topic: string, goesOn: boolean) => {
    const known = topics.get(topic)!
    clearTimeout(known.timer)
    if (known.silent > 0) complain(known.line, ` (${known.silent} more within ${Math.round(repeatMs / 1000)} s)`)
    if (known.silent === 0 || !goesOn) topics.delete(topic)
    else topics.set(topic, { ...known, silent: 0, timer: later(topic) })
  }
  return {
    info: (line) => say('info', line, clean(line)),
    warn: (line) => say('warn', line, `${stamp()} warning: ${clean(line)}`),
    trouble(topic, line) {
      const known = topics.get(topic)
      if (known) {
        known.silent++
        known.line = line
        return
      }
      if (topics.size >= MAX_TOPICS)
        for (const oldest of topics.keys()) {
          sum(oldest, false)
          break
        }
      complain(line)
      topics.set(topic, { line, silent: 0, timer: later(topic) })
    },
  }
}
