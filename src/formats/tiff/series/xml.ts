/**
 * As much XML as OME needs: elements by name and their attributes, with patterns that cannot backtrack. Entities are never expanded
 * and no document type is read, so there is nothing that could grow.
 */
export interface Element {
  readonly attributes: ReadonlyMap<string, string>
  readonly content: string
}

/** The elements of a name, in order, whatever their namespace prefix. Linear: an end tag is looked for only up to the next start. */
export function* elements(xml: string, name: string): Generator<Element> {
  const starts = [...xml.matchAll(new RegExp(`<(?:\\w+:)?${name}(?=[\\s/>])`, 'g'))]
  for (const [n, match] of starts.entries()) {
    const own = xml.slice(match.index + match[0].length, starts[n + 1]?.index)
    const end = own.indexOf('>')
    if (end < 0) continue
    const head = own.slice(0, end)
    const close = head.endsWith('/') ? -1 : own.search(new RegExp(`</(?:\\w+:)?${name}\\s*>`))
    yield { attributes: attributesOf(head), content: close < 0 ? '' : own.slice(end + 1, close) }
  }
}

function attributesOf(head: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name, double, single] of head.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    attributes.set(name!, unescapeXml(double ?? single ?? ''))
  }
  return attributes
}

const ENTITIES: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&apos;': "'",
  '&#181;': 'µ',
  '&#xB5;': 'µ',
}
const unescapeXml = (text: string): string => text.replace(/&[#\w]+;/g, (entity) => ENTITIES[entity] ?? entity)
