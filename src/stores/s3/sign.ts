/**
 * AWS Signature Version 4 for requests without a body to an S3. Spec: "Authenticating Requests (AWS Signature Version 4)"; the vectors in
 * its examples are in the tests.
 */
import { createHash, createHmac } from 'node:crypto'
import { encodePart } from '../http/url.ts'

export interface S3Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

/** Of no bytes. */
const EMPTY_SHA256 = createHash('sha256').digest('hex')

/** All headers of the request, signed. The path of `url` must be escaped as `encodePath` does. */
export function signS3(
  { url, method = 'GET', headers = {} }: { url: URL; method?: string; headers?: Readonly<Record<string, string>> | undefined },
  keys: S3Keys,
  region: string,
  now = new Date(),
): Record<string, string> {
  const time = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const signed: Record<string, string> = {
    ...headers,
    'x-amz-content-sha256': EMPTY_SHA256,
    'x-amz-date': time,
    ...(keys.sessionToken && { 'x-amz-security-token': keys.sessionToken }),
  }
  // proxies and runtimes change other headers on the way; Range matters and is kept
  const counted = Object.entries({ ...signed, host: url.host })
    .map(([name, value]): [string, string] => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')])
    .filter(([name]) => name === 'host' || name === 'range' || name.startsWith('x-amz-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const names = counted.map(([name]) => name).join(';')
  const request = [
    method,
    url.pathname,
    canonicalQuery(url),
    ...counted.map(([name, value]) => `${name}:${value}`),
    '',
    names,
    EMPTY_SHA256,
  ]
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(request.join('\n')).digest('hex')].join('\n')
  const key = [time.slice(0, 8), region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`)
  const signature = hmac(key, text).toString('hex')
  return {
    ...signed,
    Authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope},SignedHeaders=${names},Signature=${signature}`,
  }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

const canonicalQuery = (url: URL): string =>
  [...url.searchParams]
    .map(([name, value]) => `${encodePart(name)}=${encodePart(value)}`)
    .sort()
    .join('&')
