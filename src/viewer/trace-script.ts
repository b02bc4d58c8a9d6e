/** Style and script of /trace, in the reader's browser: asks for a recording and draws it with flame-chart-js. */

export const TRACE_STYLE = `
body { max-width: none; margin: 0; padding: 1rem; font: 15px/1.45 system-ui, sans-serif }
h1 { font-size: 1.4rem; margin: 0 0 .6rem }
form { display: flex; gap: 1rem; flex-wrap: wrap; align-items: center }
input[type=number] { width: 4rem }
#words { margin: .6rem 0; min-height: 1.4em }
#words.bad { color: #c22 }
canvas { display: block; border: 1px solid #8884 }
`

export const TRACE_SCRIPT = `
const form = document.querySelector('form'), words = document.querySelector('#words'), canvas = document.querySelector('canvas')
const threadOf = form.elements.thread, link = document.querySelector('a')
const token = new URLSearchParams(location.search).get('token')
let threads = [], chart

const say = (text, bad) => { words.textContent = text; words.className = bad ? 'bad' : '' }

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = form.querySelector('button'), seconds = form.elements.seconds.value
  button.disabled = true
  say('Recording for ' + seconds + ' s …')
  try {
    const answer = await fetch(form.dataset.url + '?threads=all&seconds=' + seconds, { method: 'POST', headers: token ? { 'X-Auth-Token': token } : {} })
    if (!answer.ok) {
      const text = await answer.text()
      throw new Error(text.startsWith('{') ? JSON.parse(text).messages[0].error : text)
    }
    threads = (await answer.json()).threads
    threadOf.replaceChildren(...threads.map(({ name }, n) => new Option(name, n)))
    show()
  } catch (error) {
    say(error.message, true)
  }
  button.disabled = false
})
for (const choice of [threadOf, ...form.elements.view]) choice.addEventListener('change', show)
// before somebody listened the form would have been sent, which the policy forbids
form.querySelector('button').disabled = false

function show() {
  const { name, profile } = threads[threadOf.value] ?? {}
  if (!profile) return
  URL.revokeObjectURL(link.href)
  link.href = URL.createObjectURL(new Blob([JSON.stringify(profile)], { type: 'application/json' }))
  link.download = 'wkconnect ' + name + '.cpuprofile'
  link.hidden = false
  const stacks = stacksOf(profile)
  if (stacks.length === 0) return say(name + ' did nothing while it was recorded')
  const busy = stacks.reduce((sum, { ms }) => sum + ms, 0)
  say(name + ': busy for ' + (busy / 1000).toFixed(2) + ' s, ' + stacks.length + ' samples. The wheel zooms, dragging moves.')
  const nodes = form.elements.view.value === 'time' ? inTime(stacks) : summed(stacks)
  if (chart) chart.setNodes(nodes)
  else {
    // it takes the size it finds
    Object.assign(canvas, size())
    chart = new flameChartJs.FlameChart({ canvas, data: nodes, settings: { options: { timeUnits: 'ms' } } })
    addEventListener('resize', () => chart.resize(size().width, size().height))
  }
  document.body.dataset.shown = form.elements.view.value + ' ' + name
}

const size = () => ({
  width: document.body.clientWidth - 34,
  height: Math.max(300, Math.floor(innerHeight - canvas.getBoundingClientRect().top - 20)),
})

/** When each sample was taken, the frames it found, outermost first, and for how long it stands. A long pause is idleness. */
function stacksOf({ nodes, samples, timeDeltas, startTime }) {
  const byId = new Map(nodes.map((node) => [node.id, node])), parents = new Map(), stacks = new Map()
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id)
  const stackOf = (id) => {
    if (!stacks.has(id)) {
      const frames = []
      for (let at = id; at !== undefined; at = parents.get(at)) {
        const { functionName, url, lineNumber } = byId.get(at).callFrame
        if (parents.has(at)) frames.unshift({ name: functionName || '(anonymous)', type: url.split('/').pop() + ':' + (lineNumber + 1) })
      }
      stacks.set(id, frames)
    }
    return stacks.get(id)
  }
  const usual = timeDeltas.toSorted((a, b) => a - b)[timeDeltas.length >> 1] ?? 0
  let now = 0
  return samples.flatMap((id, n) => {
    now += timeDeltas[n]
    const frames = stackOf(id), lasted = Math.min(timeDeltas[n], 10 * usual)
    return frames.length === 0 || frames.at(-1).name === '(idle)' ? [] : [{ at: (now - lasted) / 1000, ms: lasted / 1000, frames }]
  })
}

const colorOf = (name) => {
  let hash = 0
  for (const letter of name) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0
  return 'hsl(' + (hash % 60) + ', ' + (60 + (hash >> 8) % 30) + '%, ' + (55 + (hash >> 16) % 20) + '%)'
}
const isSame = (a, b) => a.name === b.name && a.type === b.type
const nodeOf = (frame, start) => ({ ...frame, color: colorOf(frame.name), start, duration: 0, children: [] })

/** Frames beside each other in the order they ran. */
function inTime(stacks) {
  const roots = []
  let open = [], end = 0
  for (const { at, ms, frames } of stacks) {
    let same = at - end < 0.01 ? open.findIndex((node, n) => !frames[n] || !isSame(node, frames[n])) : 0
    if (same < 0) same = open.length
    open.length = same
    for (const frame of frames.slice(same)) {
      const node = nodeOf(frame, at)
      ;(open.at(-1)?.children ?? roots).push(node)
      open.push(node)
    }
    end = at + ms
    for (const node of open) node.duration = end - node.start
  }
  return roots
}

/** The same stacks put together: width is time, the longest first. */
function summed(stacks) {
  const root = nodeOf({ name: 'all', type: '' }, 0)
  for (const { ms, frames } of stacks) {
    let at = root
    at.duration += ms
    for (const frame of frames) {
      let child = at.children.find((one) => isSame(one, frame))
      if (!child) at.children.push((child = nodeOf(frame, 0)))
      child.duration += ms
      at = child
    }
  }
  const place = (node) => {
    let start = node.start
    for (const child of node.children.sort((a, b) => b.duration - a.duration)) {
      child.start = start
      start += child.duration
      place(child)
    }
  }
  place(root)
  return [root]
}
`
