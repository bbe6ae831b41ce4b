import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * The certificates that this machine trusts beyond its distribution's set, as PEM: the CA of a company's proxy,
 * without which nothing in a container could download anything.
 */
export async function machineCertificates(
  etc = '/etc/ssl/certs',
  share = '/usr/share/ca-certificates',
): Promise<string[]> {
  const trusted = await certificatesIn(join(etc, 'ca-certificates.crt'))
  const files = await readdir(share, { recursive: true }).catch(() => [])
  const shipped = await Promise.all(
    files.filter((file) => file.endsWith('.crt')).map((file) => certificatesIn(join(share, file))),
  )
  const known = new Set(shipped.flat().map(fingerprint))
  return trusted.filter((certificate) => !known.has(fingerprint(certificate)))
}

async function certificatesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.match(pem) ?? []
}

const fingerprint = (certificate: string): string => new X509Certificate(certificate).fingerprint256
