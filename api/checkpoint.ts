/* Checkpoints: a signed statement of how long a log is and what its root is, as signed notes (C2SP
 * tlog-checkpoint and signed-note, Ed25519), so that any verifier of transparency logs reads them.
 *
 *   <origin> \n <size, decimal> \n <root, base64> \n time <RFC 3339> \n
 *   \n
 *   — <key name> <base64 of 4 bytes key hash and 64 bytes signature> \n
 *
 * Signed are the lines before the empty one, with their line ends. The key hash is the beginning of
 * SHA-256(key name || "\n" || 0x01 || public key). */
import { createHash, type KeyObject, sign, verify } from 'node:crypto'
import { KaosError } from './errors.ts'

export interface Checkpoint {
  /** Names the log: `kaos/<ledger id>`. */
  readonly origin: string
  /** Statements in the log. */
  readonly size: number
  /** 64 hex digits: MTH over all leaves (RFC 6962). */
  readonly root: string
  /** RFC 3339. */
  readonly at: string
}

/** A key as verifiers know it. */
export interface NoteKey {
  readonly name: string
  readonly publicKey: KeyObject
}

const ED25519 = Buffer.from([1])
const SEPARATOR = '\n\n'
const NOTE_MAX = 16 * 1024

export function originOf(ledger: string): string {
  return `kaos/${ledger}`
}

/** The note, signed. `privateKey` is an Ed25519 key. */
export function signedCheckpoint(
  { origin, size, root, at }: Checkpoint,
  key: NoteKey & { readonly privateKey: KeyObject },
): string {
  const text = `${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\ntime ${at}\n`
  const signature = sign(null, Buffer.from(text), key.privateKey)
  const signed = Buffer.concat([keyHash(key), signature]).toString('base64')
  return `${text}\n— ${key.name} ${signed}\n`
}

/** What the note says, if one of the keys signed it. SIGNATURE_INVALID otherwise. */
export function openCheckpoint(note: string, keys: readonly NoteKey[]): Checkpoint {
  const end = note.lastIndexOf(SEPARATOR)
  if (end < 0 || note.length > NOTE_MAX) throw invalid('it is no signed note')
  const text = note.slice(0, end + 1)
  const lines = note.slice(end + SEPARATOR.length).split('\n')
  if (!lines.some(line => keys.some(key => isSignedBy(text, line, key)))) {
    throw invalid('none of the known keys has signed it')
  }
  const [origin = '', size = '', root = '', ...rest] = text.split('\n')
  const hex = Buffer.from(root, 'base64').toString('hex')
  const at = rest.find(line => line.startsWith('time '))?.slice(5) ?? ''
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || hex.length !== 64)
    throw invalid('it has no size or root')
  return { origin, size: Number(size), root: hex, at }
}

function isSignedBy(text: string, line: string, key: NoteKey): boolean {
  const [dash, name, encoded, ...rest] = line.split(' ')
  if (dash !== '—' || name !== key.name || encoded === undefined || rest.length > 0) return false
  const bytes = Buffer.from(encoded, 'base64')
  if (bytes.length !== 68 || !bytes.subarray(0, 4).equals(keyHash(key))) return false
  return verify(null, Buffer.from(text), key.publicKey, bytes.subarray(4))
}

function keyHash({ name, publicKey }: NoteKey): Buffer {
  const { x } = publicKey.export({ format: 'jwk' })
  const raw = Buffer.from(String(x), 'base64url')
  const hash = createHash('sha256').update(`${name}\n`).update(ED25519).update(raw)
  return hash.digest().subarray(0, 4)
}

function invalid(why: string): KaosError {
  return new KaosError('SIGNATURE_INVALID', `the checkpoint cannot be trusted: ${why}`)
}
