/** `GET /openapi.json`: every route there is, made from the routes themselves and the schemas their bodies are checked with. */
import type { TSchema } from '@sinclair/typebox'

export interface Description {
  readonly summary: string
  readonly query?: readonly string[] | undefined
  readonly body?: TSchema | undefined
}

/** For the `detail` of a route. */
export const describe = (summary: string, { query, body }: Omit<Description, 'summary'> = {}) => ({ summary, query, body })

interface Route {
  readonly method: string
  readonly path: string
  readonly hooks?: { readonly detail?: unknown } | undefined
}

export function openApi(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const { method, path, hooks } of routes) {
    if (!/^(GET|POST|PUT|DELETE|PATCH|HEAD)$/.test(method)) continue
    const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!)
    if (path.endsWith('*')) names.push('rest')
    const place = path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')
    const { summary, query = [], body } = (hooks?.detail ?? {}) as Partial<Description>
    const parameters = [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...query.map((name) => ({ name, in: 'query', required: false, schema: { type: 'string' } })),
    ]
    ;(paths[place] ??= {})[method.toLowerCase()] = {
      ...(summary && { summary }),
      ...(parameters.length > 0 && { parameters }),
      ...(body && { requestBody: { content: { 'application/json': { schema: body } } } }),
      responses: {
        200: { description: 'The answer' },
        default: { description: '{"messages":[{"error":"…"}]}, or plain text where access is denied' },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'wkconnect',
      version,
      description: 'The datastore protocol of webKnossos. The token is query parameter `token` or header `X-Auth-Token`.',
    },
    paths,
  }
}
