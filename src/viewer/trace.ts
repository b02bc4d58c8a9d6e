/** The page at /trace: records what the server does and shows it as a flame graph. One document, the library inside. */
import library from '../../node_modules/flame-chart-js/dist/index.min.js' with { type: 'text' }
import { hashOf, escapeHtml as text } from './parts.ts'
import { TRACE_SCRIPT, TRACE_STYLE } from './trace-script.ts'

const LIBRARY = library as unknown as string

export const tracePolicy = `default-src 'none'; img-src data:; connect-src 'self'; style-src ${hashOf(TRACE_STYLE)}; script-src ${hashOf(LIBRARY)} ${hashOf(TRACE_SCRIPT)}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`

export const renderTrace = (base: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>wkconnect: what it is doing</title>
<link rel="icon" href="data:,">
<style>${TRACE_STYLE}</style>
<h1>What the server is doing</h1>
<form data-url="${text(base)}/data/triggers/trace">
<label>Seconds <input type="number" name="seconds" min="1" max="50" value="5"></label> <button disabled>Record</button>
<label>Thread <select name="thread"></select></label>
<label><input type="radio" name="view" value="summed" checked> summed</label> <label><input type="radio" name="view" value="time"> in time</label>
<a hidden>Download .cpuprofile</a>
</form>
<p id="words">A recording has every serving and decoding thread. Chrome's DevTools and speedscope open the download.</p>
<canvas></canvas>
<script>${LIBRARY}</script>
<script>${TRACE_SCRIPT}</script>
</html>
`
