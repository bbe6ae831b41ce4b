import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** A key and a certificate of its own, as PEM files in a directory. */
export function makeCertificate(directory: string, name = 'secure'): { key: string; cert: string } {
  const [key, cert] = [join(directory, `${name}-key.pem`), join(directory, `${name}-cert.pem`)]
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=secure.test', '-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  )
  return { key, cert }
}
