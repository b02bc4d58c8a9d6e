/** Certificates for localhost, made on the spot by openssl. */
import { join } from 'node:path'
import { emptyFolder } from './binary.ts'

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
