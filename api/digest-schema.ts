/* A digest where it comes from outside. Not in digest.ts: a command that only sends files would load all
 * that schemas are made of. */
import Type from 'typebox'

export const DigestSchema = Type.String({ pattern: '^sha256:[0-9a-f]{64}$', title: 'Digest' })
