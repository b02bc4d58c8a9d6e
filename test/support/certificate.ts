/** A certificate authority of our own and a certificate by it for `localhost` and `name`, made with openssl. PEM. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder } from './binary.ts'

export interface Certificates {
  /** The authority's, to be trusted. */
  readonly caFile: string
  readonly cert: string
  readonly key: string
}

export async function makeCertificates(name: string): Promise<Certificates> {
  const folder = emptyFolder()
  const at = (file: string) => join(folder, file)
  writeFileSync(at('extensions'), `subjectAltName=DNS:localhost,DNS:${name}\n`)
  for (const args of [
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=Lab authority',
      '-keyout',
      at('ca.key'),
      '-out',
      at('ca.pem'),
    ],
    ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key'), '-out', at('csr')],
    [
      'x509',
      '-req',
      '-days',
      '2',
      '-in',
      at('csr'),
      '-CA',
      at('ca.pem'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-extfile',
      at('extensions'),
      '-out',
      at('cert'),
    ],
  ]) {
    const made = Bun.spawnSync(['openssl', ...args])
    if (made.exitCode !== 0) throw new Error(made.stderr.toString())
  }
  return { caFile: at('ca.pem'), cert: await Bun.file(at('cert')).text(), key: await Bun.file(at('key')).text() }
}

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

export const canMakeCertificates = Bun.which('openssl') !== null

export function makeCertificate(name: string): Certificate {
  const folder = emptyFolder()
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const made = Bun.spawnSync([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    keyFile,
    '-out',
    certFile,
    '-days',
    '2',
    ...subject,
  ])
  if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr}`)
  return { certFile, keyFile }
}
