/* Certificates of a private authority, beside those that Node brings. */
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { KaosError } from '../api/errors.ts'

/** From now on this process trusts what the file's certificates have signed. */
export function trustAuthority(file: string): void {
  try {
    const more = readFileSync(file, 'utf8')
    if (!more.includes('-----BEGIN CERTIFICATE-----')) throw new Error('it holds no certificate')
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), more])
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new KaosError('USAGE', `--ca ${file}: ${why}; give a file with PEM certificates`, {
      cause,
    })
  }
}
