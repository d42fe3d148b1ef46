/* Packing evidence (api/evidence/format.ts). Everything that is proved is proved to one checkpoint, and
 * the index, which names all members, is signed last. Content passes through and is never held. */
import { createHash } from 'node:crypto'
import { resourceOf, signedEnvelope, statementOf } from '../../api/attestation.ts'
import { digestOf } from '../../api/digest.ts'
import {
  EVIDENCE_FORMAT,
  EVIDENCE_PREDICATE,
  type EvidenceIndex,
  type EvidenceMember,
  MEMBER,
} from '../../api/evidence/format.ts'
import type { Node } from '../../graph/ledger.ts'
import { referenceOf } from '../catalogue/origins.ts'
import type { Board } from '../jobs/board.ts'
import { headOf, padding } from '../kits/head.ts'
import type { Workspace } from '../parts.ts'
import { contentMembers, contentNode, objectMembers } from './contents.ts'
import type { Member } from './member.ts'
import { factMembers } from './members.ts'
import { type Slice, servedModel, sliceOf } from './slice.ts'

export interface EvidenceAsked {
  readonly subject: Node
  /** Endpoint by which it was asked for. */
  readonly endpoint: { readonly name: string; readonly live: boolean } | undefined
  readonly content: boolean
  /** Size of a log that the asker has seen: the proof that this one continues it goes in. */
  readonly first: number | undefined
}

/** The bytes of the tar. */
export async function* evidenceOf(
  board: Board,
  workspace: Workspace,
  asked: EvidenceAsked,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { keys, ledger, now, proofs, store } = board.parts
  const slice = await sliceOf(ledger, asked.subject)
  const checkpoint = await proofs.checkpoint()
  const holder = await contentNode(board.parts, slice)
  const members: EvidenceMember[] = []
  for await (const member of factMembers(board, slice, checkpoint, asked.first)) {
    yield* packed(member, members)
  }
  if (holder)
    for await (const member of objectMembers(store, holder)) yield* packed(member, members)
  if (holder && asked.content) {
    for await (const member of contentMembers(store, holder)) yield* packed(member, members)
  }
  const { size, root } = checkpoint
  const index: EvidenceIndex = {
    format: EVIDENCE_FORMAT,
    installation: ledger.id,
    workspace: { id: workspace.id, name: workspace.name },
    at: new Date(now()).toISOString(),
    subject: await subjectOf(board, workspace, asked.subject),
    content: holder ? { entity: holder.id, whole: asked.content } : null,
    serving: servingIn(slice, asked.endpoint),
    checkpoint: { size, root },
    truncated: slice.truncated,
    members,
  }
  const text = Buffer.from(`${JSON.stringify(index, null, 2)}\n`)
  const subject = resourceOf(MEMBER.index, digestOf(text), 'sha256')
  const predicate = { format: EVIDENCE_FORMAT, installation: ledger.id, at: index.at }
  const statement = statementOf([subject], EVIDENCE_PREDICATE, predicate)
  const signed = Buffer.from(JSON.stringify(signedEnvelope(statement, await keys.current())))
  yield* packed({ name: MEMBER.index, size: text.length, bytes: text }, [])
  yield* packed({ name: MEMBER.signature, size: signed.length, bytes: signed }, [])
  yield Buffer.alloc(1024)
}

async function* packed(
  { bytes, executable, name, size }: Member,
  members: EvidenceMember[],
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256')
  yield headOf({ path: name, kind: executable ? 'executable' : 'file', size })
  for await (const some of Buffer.isBuffer(bytes) ? [bytes] : bytes()) {
    hash.update(some)
    yield some
  }
  yield padding(size)
  members.push({ name, size, sha256: hash.digest('hex') })
}

async function subjectOf(
  { parts: { ledger } }: Board,
  { id }: Workspace,
  node: Node,
): Promise<EvidenceIndex['subject']> {
  const { digest = null, id: entity, kind } = node
  return { entity, kind, name: await referenceOf(ledger, id, node), digest }
}

function servingIn(slice: Slice, endpoint: EvidenceAsked['endpoint']): EvidenceIndex['serving'] {
  if (endpoint === undefined) return null
  const { live, name } = endpoint
  return { endpoint: name, model: servedModel(slice)?.id ?? null, live }
}
