/** Tokens: given, renewed, shared, taken back, and never shown. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { BossService } from '../../../src/formats/boss/service.ts'
import { BossServer, USER } from '../../support/boss-server.ts'
import { remoteStores } from '../../support/remote.ts'

let server: BossServer
let service: BossService
beforeEach(() => {
  server = new BossServer()
  server.isPublic = false
  service = new BossService(remoteStores().client, { parallel: 4, openData: false })
})
afterEach(() => server[Symbol.asyncDispose]())

const ask = (credentials = {}, using = service) =>
  using.api({ domain: server.url, ...credentials }, undefined).getJson({ path: ['coord', 'frame'], what: 'the coordinate frame' })
const failure = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(Error)
  return error.message
}

test('a token that does not change is sent as such', async () => {
  server.tokens.add('s3cret-token')
  await ask({ token: 's3cret-token' })
  expect(server.asked.map(({ headers }) => headers.get('authorization'))).toEqual(['Token s3cret-token'])
  expect(server.grants).toEqual([])
})

test('neither token nor user: the public token', async () => {
  server.isPublic = true
  await ask()
  expect(server.asked[0]!.headers.get('authorization')).toBe('Token public')
})

describe('user and password', () => {
  test('one login for everybody who asks at the same time, and for all datasets of the domain', async () => {
    await Promise.all(Array.from({ length: 10 }, () => ask(USER)))
    await ask(USER)
    expect(server.grants).toEqual(['password'])
  })

  test('the token is renewed before it expires', async () => {
    server.tokenSeconds = 1
    await ask(USER)
    await Bun.sleep(850)
    await Promise.all([ask(USER), ask(USER)])
    expect(server.grants).toEqual(['password', 'refresh_token'])
    expect(server.asked.filter(({ path }) => path.includes('coord'))).toHaveLength(3)
  })

  test('a session that ended begins anew with the password', async () => {
    server.tokenSeconds = 1
    await ask(USER)
    server.revoke()
    await Bun.sleep(850)
    await ask(USER)
    expect(server.grants).toEqual(['password', 'refresh_token', 'password'])
  })

  test('a token that is taken back: one login more, and the same answer', async () => {
    await ask(USER)
    server.revoke()
    await Promise.all([ask(USER), ask(USER), ask(USER)])
    expect(server.grants).toEqual(['password', 'password'])
  })

  test('a server that takes no token of Keycloak is not asked for ever', async () => {
    server.fault = ({ path }) => (path.includes('coord') ? new Response('{}', { status: 401 }) : undefined)
    expect(await failure(ask(USER))).toMatch(/refuses the account: correct it in its entry/)
    expect(server.asked.filter(({ path }) => path.includes('coord'))).toHaveLength(2)
  })

  test('a wrong password is said once and not tried again, because that locks accounts; a corrected one is', async () => {
    const wrong = { ...USER, password: 'wr0ng-one' }
    for (let n = 0; n < 3; n++)
      expect(await failure(ask(wrong))).toMatch(/refuses the user name or password of "someone": correct username and password/)
    expect(server.grants).toEqual(['password'])
    await ask(USER)
    expect(server.grants).toEqual(['password', 'password'])
  })

  test('a Keycloak that is down for a moment is asked again', async () => {
    let times = 2
    server.fault = ({ path }) => (path.includes('/token') && times-- > 0 ? new Response('busy', { status: 502 }) : undefined)
    await ask(USER)
    expect(server.grants).toEqual(['password'])
  })

  test('a domain without one', async () => {
    server.fault = ({ path }) => (path.includes('/token') ? new Response('', { status: 404 }) : undefined)
    expect(await failure(ask(USER))).toMatch(/there is no Keycloak at .*: name its address as auth in the entry, or use a token/)
  })
})

describe('what is refused before anybody is asked', () => {
  test.each([
    [{ token: 'a', username: 'b', password: 'c' }, /both a token and a username/],
    [{ username: 'b' }, /a username but no password/],
    [{ password: 'c' }, /a password but no username/],
    [{ token: 'a\nb' }, /characters no token has/],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in datasets.json
    [{ token: '${BOSS_TOKEN}' }, /token in its entry is the variable BOSS_TOKEN of the environment, which is not set/],
  ])('%p', (credentials, reason) => {
    expect(() => service.api({ domain: server.url, ...credentials }, undefined)).toThrow(reason)
  })
})

describe('secrets are in no message', () => {
  test('even if the server repeats them', async () => {
    for (const credentials of [{ token: 's3cret-token' }, { ...USER, password: 's3cret-password' }]) {
      const message = await failure(ask(credentials))
      expect(message).not.toContain('s3cret')
      expect(message).toMatch(/refuses/)
    }
    await ask(USER)
    const bearer = server.asked.at(-1)!.headers.get('authorization')!.slice(7)
    server.fault = ({ path }) =>
      path.includes('coord') ? Response.json({ message: `no ${bearer} ${USER.password}` }, { status: 403 }) : undefined
    const message = await failure(ask(USER))
    expect(message).toContain('no ••• •••')
    expect(message).not.toContain(bearer)
  })

  test('nor when the domain cannot be reached', async () => {
    const message = await failure(
      service.api({ domain: 'http://127.0.0.1:1', token: 's3cret-token' }, undefined).getJson({ path: ['coord', 'f'], what: 'the frame' }),
    )
    expect(message).toMatch(/http:\/\/127.0.0.1:1\/v1 cannot be asked for the frame \(.*\): is its domain right/)
    expect(message).not.toContain('s3cret')
  })
})

test('what strangers named goes to no address of this machine, the login neither', async () => {
  const stores = remoteStores()
  const guarded = new BossService(stores.client, { parallel: 4, openData: false })
  const guard = stores.guardFor({ isTrusted: false })
  for (const credentials of [{}, USER]) {
    const api = guarded.api({ domain: server.url, ...credentials }, guard)
    expect(await failure(api.getJson({ path: ['coord', 'frame'], what: 'it' }))).toMatch(/not an address of the public internet/)
  }
  expect(server.asked).toEqual([])
})
