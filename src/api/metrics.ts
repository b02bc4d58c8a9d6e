/** What is going on inside, for Prometheus. */
import { Elysia } from 'elysia'
import { CONTENT_TYPE, metricsText } from '../metrics/registry.ts'
import type { Context } from './context.ts'
import { COMMON } from './headers.ts'
import { describe } from './openapi.ts'

export const metricsRoute = ({ access, control }: Context, prefix: string) =>
  new Elysia({ prefix }).get(
    '/metrics',
    async ({ request }) => {
      access.checkRead(request)
      return new Response(metricsText(await control.metrics()), { headers: { ...COMMON, 'Content-Type': CONTENT_TYPE } })
    },
    { detail: describe('Counters, gauges and histograms in the text format of Prometheus') },
  )
