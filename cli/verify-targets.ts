/* What is to be verified: a name at the server, a folder or file with the bytes of a model, a signed
 * statement, an evidence file. What lies here under this name comes first. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { ENVELOPE_MAX, type Envelope, envelopeBytes, envelopeIn } from '../api/attestation.ts'
import { type Digest, digestOf, hexOf } from '../api/digest.ts'
import { FolderMaker } from '../api/folder.ts'
import { fileDigestOf } from '../api/job-statement.ts'
import { type Channel, sendFolder } from '../api/transfer/send.ts'
import { sendFile } from '../api/transfer/send-file.ts'
import { isSmall } from '../api/tree.ts'

export type Target =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'evidence'; readonly file: string }
  | { readonly kind: 'content'; readonly tree: Digest; readonly path: string }
  | {
      readonly kind: 'envelope'
      readonly envelope: Envelope
      /** As it is kept, and of its plain bytes. */
      readonly digest: Digest
      readonly sha256: string
    }

export async function targetOf(given: string): Promise<Target> {
  const stats = statSync(given, { throwIfNoEntry: false })
  if (stats === undefined) return { kind: 'name', name: given }
  if (stats.isDirectory()) {
    const { tree } = await sendFolder(given, NOWHERE, { ignores: () => false })
    return { kind: 'content', tree, path: given }
  }
  if (isTar(given)) return { kind: 'evidence', file: given }
  const envelope = stats.size <= ENVELOPE_MAX * 2 ? envelopeAt(given) : undefined
  if (envelope === undefined) return { kind: 'content', tree: await treeOf(given), path: given }
  const bytes = envelopeBytes(envelope)
  const [digest, sha256] = [await fileDigestOf(bytes), hexOf(digestOf(bytes))]
  return { kind: 'envelope', envelope, digest, sha256 }
}

/** Everything is there already: only digests are worked out. */
const NOWHERE: Channel = {
  have: async digests => digests.map(() => true),
  objects: async () => {},
}

/** Of a folder that holds nothing but this file. */
async function treeOf(file: string): Promise<Digest> {
  const { mode, size } = statSync(file)
  const executable = (mode & 0o100) !== 0
  const maker = new FolderMaker()
  if (isSmall(size)) maker.small(basename(file), executable, readFileSync(file))
  else {
    const { digest, size } = await sendFile(file, NOWHERE)
    maker.add({ name: basename(file), kind: executable ? 'executable' : 'file', size, digest })
  }
  return maker.finish().digest
}

function isTar(file: string): boolean {
  const head = Buffer.alloc(512)
  const descriptor = openSync(file, 'r')
  try {
    const read = readSync(descriptor, head, 0, head.length, 0)
    return read === head.length && head.toString('latin1', 257, 262) === 'ustar'
  } finally {
    closeSync(descriptor)
  }
}

function envelopeAt(file: string): Envelope | undefined {
  try {
    return envelopeIn(readFileSync(file))
  } catch {
    return undefined
  }
}
