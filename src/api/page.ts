/** The page for people, its pictures, and signing in to it. */
import { Elysia } from 'elysia'
import { contentSecurityPolicy, renderSignIn } from '../viewer/page.ts'
import { renderTrace, tracePolicy } from '../viewer/trace.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON } from './headers.ts'
import { findPicturedLayer } from './lookup.ts'

const html = (text: string, status = 200, headers: Record<string, string> = {}) =>
  new Response(text, {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    },
  })

export const pageRoutes = (context: Context, prefix: string) => {
  const { access, pictures, base } = context
  const signedIn = (cookie: string, next = '') =>
    new Response(null, { status: 303, headers: { Location: `${base}/${next}`, 'Set-Cookie': cookie } })
  return new Elysia({ prefix, normalize: false })
    .get('/', async ({ request, query }) => {
      const { link } = query
      const cookie = link === undefined ? undefined : await access.signIn(link)
      if (cookie) return signedIn(cookie)
      if (!access.mayRead(request)) return html(renderSignIn(base, link !== undefined), 403)
      const { page, dataset, layer, z } = query
      const chosen =
        dataset !== undefined && layer !== undefined && /^-?\d{1,9}$/.test(z ?? '') ? { dataset, layer, z: Number(z) } : undefined
      const { origin } = new URL(request.url)
      const neuroglancer = access.isOpen ? context.neuroglancer : ''
      return html(await context.control.page({ version: context.version, base, origin, page: Number(page) || 1, chosen, neuroglancer }))
    })
    .post(
      '/sign-in',
      async ({ request, query }) => {
        access.checkHost(request)
        // nothing else is read: our form sends this
        if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
          throw new HttpError(415, 'Signing in is a form: the content type must be application/x-www-form-urlencoded.')
        if (Number(request.headers.get('content-length') ?? Infinity) > 4096) throw new HttpError(413, 'That is no token.')
        const token = new URLSearchParams(await request.text()).get('token') ?? ''
        const cookie = await access.signIn(token)
        const next = query['next'] === 'trace' ? 'trace' : ''
        return cookie ? signedIn(cookie, next) : html(renderSignIn(base, true, next), 403)
      },
      { parse: 'none' },
    )
    .get('/trace', ({ request }) =>
      access.isAdmin(request)
        ? html(renderTrace(base), 200, { 'Content-Security-Policy': tracePolicy })
        : html(renderSignIn(base, false, 'trace'), 403),
    )
    .get('/picture/:first/:layer', async ({ params, query, request }) => {
      const { entry, layer } = await findPicturedLayer(context, params, request)
      const z = /^-?\d{1,9}$/.test(query['z'] ?? '') ? Number(query['z']) : undefined
      try {
        const png = await pictures.slice(entry.versionedId, layer, z)
        return new Response(png, { headers: { ...COMMON, 'Content-Type': 'image/png' } })
      } catch (error) {
        context.log.trouble(
          `picture ${entry.versionedId}`,
          `${entry.organization}/${entry.name}, layer ${layer.name}: picture: ${String(error)}`,
        )
        throw error
      }
    })
}
