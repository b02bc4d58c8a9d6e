import { describe, expect, test } from 'bun:test'
import { apiOf, isBossSource, parseBossSource, tokenUrlOf } from '../../../src/formats/boss/address.ts'

describe('sources', () => {
  const names = { collection: 'col', experiment: 'exp', channel: 'em' }
  test.each([
    ['bossdb://col/exp/em', { domain: 'https://api.bossdb.io', ...names }],
    ['boss://https://api.theboss.io/col/exp/em', { domain: 'https://api.theboss.io', ...names }],
    ['bossdb://https://api.bossdb.io/latest/col/exp/em?window=0,9', { domain: 'https://api.bossdb.io/latest', ...names }],
    ['boss://api.bossdb.io/col/exp/em', { domain: 'https://api.bossdb.io', ...names }],
    ['boss://http://127.0.0.1:8080/behind/a/proxy/col/exp/em', { domain: 'http://127.0.0.1:8080/behind/a/proxy', ...names }],
    ['boss://http://host/deep/v1/col/exp', { domain: 'http://host/deep/v1', collection: 'col', experiment: 'exp' }],
    ['bossdb://col/exp/', { domain: 'https://api.bossdb.io', collection: 'col', experiment: 'exp' }],
    ['BOSSDB://a%20b/exp/em', { domain: 'https://api.bossdb.io', ...names, collection: 'a b' }],
  ])('%s', (source, meaning) => {
    expect(isBossSource(source)).toBe(true)
    expect(parseBossSource(source)).toEqual(meaning)
  })

  test.each(['bossdb://', 'bossdb://col', 'boss://https://api.bossdb.io/', 'boss://https://host/v1/a/b/c/d'])(
    '%s names nothing',
    (source) => {
      expect(() => parseBossSource(source)).toThrow(/names no experiment/)
    },
  )
})

describe('domains', () => {
  test.each([
    ['https://api.bossdb.io', 'https://api.bossdb.io/v1/'],
    ['https://api.bossdb.io/latest/', 'https://api.bossdb.io/latest/'],
    ['http://host:8080/some/path', 'http://host:8080/some/path/v1/'],
    ['https://host/boss/v2?x=1#y', 'https://host/boss/v2/'],
  ])('%s', (domain, api) => expect(apiOf(domain).href).toBe(api))

  test.each(['api.bossdb.io', 'ftp://host', 'https://', 'file:///etc'])('%s is none', (domain) => {
    expect(() => apiOf(domain)).toThrow(/not a URL such as/)
  })

  test('a password in it is refused and not repeated', () => {
    expect(() => apiOf('https://me:s3cret@host')).toThrow(/stand in its domain/)
    expect(() => apiOf('https://me:s3cret@host')).not.toThrow(/s3cret/)
  })

  const realm = '/realms/boss/protocol/openid-connect/token'
  test.each([
    ['https://api.theboss.io/v1/', undefined, `https://auth.theboss.io/auth${realm}`],
    ['https://api-test.theboss.io/v1/', undefined, `https://auth-test.theboss.io/auth${realm}`],
    ['http://localhost:9000/deep/v1/', undefined, `http://localhost:9000/auth${realm}`],
    ['https://apiary.org/v1/', undefined, `https://apiary.org/auth${realm}`],
    ['https://host/v1/', 'https://sso.lab/keycloak/', `https://sso.lab/keycloak${realm}`],
    [
      'https://host/v1/',
      'https://sso.lab/realms/other/protocol/openid-connect/token',
      'https://sso.lab/realms/other/protocol/openid-connect/token',
    ],
  ])('who asks %s (auth %s) gets its token from %s', (api, auth, url) => expect(tokenUrlOf(new URL(api), auth).href).toBe(url))
})
