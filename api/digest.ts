/** Names of bytes. A digest names its bytes for ever; nothing else does. */
import { hash } from 'node:crypto'

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`

const FORM = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && FORM.test(text)
}

/** The digest of these bytes. */
export function digestOf(bytes: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', bytes, 'hex')}`
}

/** 64 hex digits. */
export function hexOf(digest: Digest): string {
  return digest.slice(7)
}

/** The 32 raw bytes of a digest, as they stand in trees, file lists and `have` requests. */
export function rawOf(digest: Digest): Buffer {
  return Buffer.from(hexOf(digest), 'hex')
}

export function digestFromRaw(raw: Uint8Array): Digest {
  return `sha256:${Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('hex')}`
}
