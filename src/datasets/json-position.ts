import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser'

/** Parses JSON; a syntax error names line and column, which `JSON.parse` here does not. */
export function parseJson(text: string): { value: unknown } | { error: string } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const problems: ParseError[] = []
    parse(text, problems, { disallowComments: true })
    const [first] = problems
    if (!first) return { error: error instanceof Error ? error.message : String(error) }
    const before = text.slice(0, first.offset).split('\n')
    const words = printParseErrorCode(first.error)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase()
    return { error: `line ${before.length}, column ${before.at(-1)!.length + 1}: ${words}` }
  }
}
