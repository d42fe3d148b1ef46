/* Secrets at rest: sealed under the installation's secret key, which lies in a file of its own and
 * never in the ledger. AES-256-GCM; each purpose has a key of its own (HKDF-SHA-256).
 * Sealed: base64url of 12 bytes nonce, ciphertext, 16 bytes tag. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { KaosError } from '../../api/errors.ts'

const NONCE = 12
const TAG = 16
const SECRET = 32

export interface Vault {
  seal(purpose: string, text: string): string
  /** A secret that belongs to the name, the same one each time. */
  secretOf(purpose: string, name: string): string
  /** CONFIGURATION when it was sealed under another secret key, or changed since. */
  open(purpose: string, sealed: string): string
}

/** The secret key in this file: 64 hex digits. `make`: written when there is none. CONFIGURATION,
 * saying how to make one, when it is missing or something else. */
export function openVault(file: string, make: boolean): Vault {
  const secret = read(file) ?? (make ? made(file) : undefined)
  if (secret === undefined) {
    const next = `make one: openssl rand -hex ${SECRET} > ${file}, readable by kaos alone`
    throw new KaosError('CONFIGURATION', `there is no secret key at ${file}; ${next}`)
  }
  const keyOf = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', secret, 'kaos vault 1', purpose, 32))
  return {
    secretOf: (purpose, name) =>
      createHmac('sha256', keyOf(purpose)).update(name).digest('base64url'),
    seal(purpose, text) {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv('aes-256-gcm', keyOf(purpose), nonce)
      const parts = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
      return Buffer.concat(parts).toString('base64url')
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', keyOf(purpose), bytes.subarray(0, NONCE))
        decipher.setAuthTag(bytes.subarray(-TAG))
        const text = decipher.update(bytes.subarray(NONCE, -TAG))
        return Buffer.concat([text, decipher.final()]).toString('utf8')
      } catch (cause) {
        const why = `the secret key at ${file} does not open what this installation has sealed`
        const next = 'give the file that it was sealed with (KAOS_SECRET_KEY_FILE)'
        throw new KaosError('CONFIGURATION', `${why}; ${next}`, { cause })
      }
    },
  }
}

function read(file: string): Buffer | undefined {
  const text = readOrNothing(file)
  if (text === undefined) return undefined
  if (/^[0-9a-f]{64}\s*$/i.test(text)) return Buffer.from(text.trim(), 'hex')
  const what = `${file} holds no secret key: ${SECRET * 2} hex digits`
  throw new KaosError('CONFIGURATION', `${what}; restore it, or name another file`)
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const { code } = cause as NodeJS.ErrnoException
    throw new KaosError('CONFIGURATION', `the secret key ${file} cannot be read (${code})`, {
      cause,
    })
  }
}

function made(file: string): Buffer {
  const secret = randomBytes(SECRET)
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    writeSync(descriptor, `${secret.toString('hex')}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  return secret
}
