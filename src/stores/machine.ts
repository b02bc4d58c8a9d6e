/**
 * The metadata service of a cloud, which tells a machine who it is. Asked for nothing but the keys of that machine's role, when the owner
 * says so; never through a proxy, hence not with `fetch`.
 */
import { get as request } from 'node:http'
import { UpstreamError } from '../volume/errors.ts'

/** Where it is. Only tests have it elsewhere. */
export interface MetadataServer {
  readonly amazon: string
  readonly google: string
}

export const METADATA: MetadataServer = { amazon: 'http://169.254.169.254', google: 'http://metadata.google.internal' }

const TIMEOUT_MS = 2000
const MAX_BYTES = 64 * 1024

/** Throws `UpstreamError` where there is no such service or it does not know. */
export function readMetadata(url: string, headers: Record<string, string>, method: 'GET' | 'PUT' = 'GET'): Promise<string> {
  const fail = (why: string) => new UpstreamError({ file: new URL(url).origin, cause: `the metadata service of this machine ${why}` })
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => {
        text += part
        if (text.length > MAX_BYTES) asked.destroy(new Error('too long'))
      })
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(fail(`answers with status ${answer.statusCode}`))))
      answer.on('error', () => reject(fail('breaks off')))
    })
    asked.on('error', () => reject(fail('does not answer')))
    asked.end()
  })
}
