/** Signatures: the worked examples of Amazon's documentation, "Signature Calculations for the Authorization Header" for S3. */
import { expect, test } from 'bun:test'
import { signS3 } from '../../../src/stores/s3/sign.ts'

const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const at = new Date('2013-05-24T00:00:00Z')
const signatureOf = (url: string, headers: Record<string, string> = {}) =>
  /Signature=(\w+)/.exec(signS3({ url: new URL(url), headers }, keys, 'us-east-1', at)['Authorization']!)?.[1]

test('GET of an object, with a range', () => {
  expect(signatureOf('https://examplebucket.s3.amazonaws.com/test.txt', { Range: 'bytes=0-9' })).toBe(
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  )
})

test('GET with a parameter that has no value', () => {
  expect(signatureOf('https://examplebucket.s3.amazonaws.com/?lifecycle')).toBe(
    'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  )
})

test('GET of a list', () => {
  expect(signatureOf('https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J')).toBe(
    '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  )
})

test('a session token is sent and signed; other headers are sent and not signed', () => {
  const headers = signS3(
    { url: new URL('https://b.s3.amazonaws.com/k'), headers: { 'Accept-Encoding': 'identity' } },
    { ...keys, sessionToken: 'T' },
    'eu-central-1',
    at,
  )
  expect(headers).toMatchObject({ 'x-amz-security-token': 'T', 'x-amz-date': '20130524T000000Z', 'Accept-Encoding': 'identity' })
  expect(headers['Authorization']).toContain(
    '/20130524/eu-central-1/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,',
  )
})
