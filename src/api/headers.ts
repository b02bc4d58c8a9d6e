/** Headers every answer carries (protocol.md 0.2). Browsers ask from another origin, and without them an error looks like no answer. */
export const CORS = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Max-Age': '600' } as const

export const COMMON = { ...CORS, 'Cache-Control': 'no-cache' } as const

export const json = (value: unknown, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { ...COMMON, 'Content-Type': 'application/json' } })
export const text = (value: string): Response => new Response(value, { headers: COMMON })

const INDEX_HEADERS = 'Failure-Bucket-Indices, Empty-Bucket-Indices, MISSING-BUCKETS'

export function preflight(requestedHeaders: string | null): Response {
  return new Response('Ok', {
    headers: {
      ...CORS,
      'Access-Control-Allow-Methods': 'POST, GET, DELETE, PUT, HEAD, PATCH, OPTIONS',
      'Access-Control-Allow-Headers': requestedHeaders ?? '*',
      'Access-Control-Expose-Headers': INDEX_HEADERS,
    },
  })
}

const list = (indices: readonly number[]): string => `[${indices.join(', ')}]`

const indexHeaders = (empty: readonly number[], failed: readonly number[]) => ({
  ...COMMON,
  'Content-Type': 'application/octet-stream',
  'Access-Control-Expose-Headers': INDEX_HEADERS,
  'MISSING-BUCKETS': list([...empty, ...failed].sort((a, b) => a - b)),
  'Empty-Bucket-Indices': list(empty),
  'Failure-Bucket-Indices': list(failed),
})

/** A `Headers` object is copied by the runtime faster than a plain one is read. */
const ALL_THERE = new Headers(indexHeaders([], []))

/** Headers of voxels: what is missing in them, in the old words and the new (protocol.md 2.2). */
export const voxelHeaders = (empty: readonly number[], failed: readonly number[]): Headers =>
  empty.length === 0 && failed.length === 0 ? ALL_THERE : new Headers(indexHeaders(empty, failed))
