import { expect, test } from 'bun:test'
import { createApp } from '../../src/api/app.ts'
import type { Context } from '../../src/api/context.ts'
import { openApi } from '../../src/api/openapi.ts'
import { Metrics } from '../../src/metrics/metrics.ts'

const app = createApp(
  { version: '1.2.3', base: '', access: {}, catalogue: {}, control: {}, metrics: new Metrics() } as unknown as Context,
  {
    commit: 'c',
    logRequests: false,
  },
)

interface Operation {
  readonly summary?: string
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: { readonly type?: string; readonly items?: object } }> }
}
const answer = await (await app.handle(new Request('http://localhost/openapi.json'))).json()
const document = answer as ReturnType<typeof openApi> & { paths: Record<string, Record<string, Operation>> }

test('every route of the server is in it, and nothing else', () => {
  const served = app.routes
    .filter(({ method }) => method !== 'OPTIONS')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')}`)
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect([...new Set(listed)].sort()).toEqual([...new Set(served)].sort())
  expect(listed.length).toBeGreaterThan(100)
})

test('paths name their parameters, bodies have the schema they are checked with', () => {
  const buckets = document.paths['/data/{version}/datasets/{first}/{second}/layers/{layer}/data']!['post']!
  expect(buckets.parameters?.map(({ name }) => name)).toEqual(['version', 'first', 'second', 'layer'])
  expect(buckets.requestBody?.content['application/json']?.schema).toMatchObject({ type: 'array', items: { required: ['position'] } })
  const thumbnail = document.paths['/data/datasets/{first}/layers/{layer}/thumbnail.jpg']!['get']!
  expect(thumbnail.parameters?.filter((one) => one.in === 'query').map(({ name }) => name)).toContain('intensityMin')
  expect(document.info.version).toBe('1.2.3')
})

test('every route below the layer of a dataset says what it does', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    if (!path.includes('/layers/')) continue
    for (const [method, { summary }] of Object.entries(methods)) expect([method, path, typeof summary]).toEqual([method, path, 'string'])
  }
})

test('what has no name in the code has one here', () => {
  expect(
    openApi(
      [
        { method: 'GET', path: '/a/*' },
        { method: 'OPTIONS', path: '/*' },
      ],
      '1',
    ).paths,
  ).toEqual({
    '/a/{rest}': {
      get: expect.objectContaining({ parameters: [{ name: 'rest', in: 'path', required: true, schema: { type: 'string' } }] }),
    },
  })
})
