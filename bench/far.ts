/** `bun bench/far.ts FOLDER MILLISECONDS`: a web server of files, each answer so much later; `/read` says how many bytes it has sent. */
import { join, normalize } from 'node:path'

const [folder = '.', latency = '0'] = process.argv.slice(2)
let sent = 0

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request) {
    const path = decodeURIComponent(new URL(request.url).pathname)
    if (path === '/read') return new Response(String(sent))
    await Bun.sleep(Number(latency))
    const file = Bun.file(join(folder, normalize(path)))
    if (path.endsWith('/') || !(await file.exists())) return new Response('', { status: 404 })
    const headers = { 'Accept-Ranges': 'bytes', ETag: `"${file.lastModified}-${file.size}"` }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get('range') ?? '') ?? []
    const start = Number(from ?? 0)
    const end = Math.min(file.size, to ? Number(to) + 1 : file.size)
    if (start >= end) return new Response('', { status: 416 })
    if (request.method !== 'HEAD') sent += end - start
    const body = request.method === 'HEAD' ? null : await file.slice(start, end).bytes()
    if (from === undefined) return new Response(body, { headers: { ...headers, 'Content-Length': String(file.size) } })
    return new Response(body, { status: 206, headers: { ...headers, 'Content-Range': `bytes ${start}-${end - 1}/${file.size}` } })
  },
})
console.log(server.url.origin)
