import { escapeHtml as text } from './parts.ts'

/**
 * A folder as plain HTML, for people and for readers that take a page of links for a folder. Links are relative to the folder, also
 * where its address, `path`, does not end with a slash.
 */
export function renderListing(path: string, names: readonly string[]): string {
  const last = path.split('/').findLast((part) => part !== '') ?? ''
  const folder = decodeURIComponent(last)
  const links = names.map((name) => `<li><a href="${encodeURIComponent(name)}">${text(name)}</a></li>`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${text(folder)}</title>
${path.endsWith('/') ? '' : `<base href="./${encodeURIComponent(folder)}/">`}
<h1>${text(folder)}</h1>
<ul>
${links.join('\n')}
</ul>
</html>
`
}
