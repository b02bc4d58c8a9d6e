import type { Elysia } from 'elysia'
import type { Requests } from '../metrics/requests.ts'

/** What the router knows of a request. */
interface Asked {
  /** The pattern of its route, not what was asked for; undefined where there is none. */
  readonly route?: string
  startedMs?: number
  readonly responseValue?: unknown
}

/**
 * Counts what every route of `app` answers, those added later included. Has to come before any other hook that may answer. What has no
 * route comes by here only as an error: whoever turns that into an answer counts it.
 */
export function countRequests(app: Elysia, requests: Requests): void {
  app
    .onTransform((asked) => {
      ;(asked as Asked).startedMs = performance.now()
    })
    .mapResponse((asked) => {
      const { route, startedMs, responseValue } = asked as Asked
      const group = route === undefined ? requests.unknown : requests.ofRoute(route)
      group.count(responseValue instanceof Response ? responseValue.status : 200, startedMs ?? 0)
    })
}
