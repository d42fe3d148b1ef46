/* What a worker signed at the end of an attempt: checked against what was ordered and what came, kept,
 * and made a thing of the graph in the commit that records the outcome. A statement whose attempt lost
 * is never in the ledger, however well it is signed. */

import type { Report } from '../../api/attempts.ts'
import {
  ENVELOPE_MAX,
  ENVELOPE_TYPE,
  type Envelope,
  envelopeBytes,
  openEnvelope,
  type Statement,
} from '../../api/attestation.ts'
import { canonical, type Json } from '../../api/canonical.ts'
import { type Digest, digestOf, hexOf } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { statementOfJob } from '../../api/job-statement.ts'
import { publicKeyOf } from '../../api/signing-keys.ts'
import type { NewEdge, NewNode } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { orderOf } from '../attempts/orders.ts'
import { placeOf } from '../attempts/places.ts'
import type { Board } from '../jobs/board.ts'
import type { AttemptRecord } from '../jobs/records.ts'
import { requireReportKey } from './worker-keys.ts'

/** An envelope that is in the store. */
export interface KeptEnvelope {
  /** As a stored file, and of its plain bytes (hex). */
  readonly digest: Digest
  readonly sha256: string
  readonly size: number
  readonly kid: string
  readonly predicateType: string
}

/** The report's envelope, checked and stored; undefined where nothing was made that could be signed.
 * SIGNATURE_INVALID or KEY_REFUSED when it must not be taken. */
export async function attestedIn(
  board: Board,
  attempt: AttemptRecord,
  report: Report,
): Promise<KeptEnvelope | undefined> {
  const { ledger, store } = board.parts
  const expected = await expectedOf(board, attempt, report)
  const { attestation: envelope } = report
  if (!expected) return undefined
  if (!envelope) {
    if (attempt.kid === undefined) return undefined
    throw untrue('the report is not signed, although the order asks for it')
  }
  const bytes = envelopeBytes(envelope)
  if (bytes.length > ENVELOPE_MAX) throw untrue(`it has over ${ENVELOPE_MAX} bytes`)
  const key = await requireReportKey(ledger, envelope.signatures[0]?.keyid, attempt)
  const { statement } = openEnvelope(envelope, [{ kid: key.kid, publicKey: publicKeyOf(key) }])
  requirePlain(envelope)
  const other = differenceOf(expected as unknown as Json, statement as unknown as Json)
  if (other !== undefined)
    throw untrue(`it says something else of ${other} than was ordered or sent`)
  const { digest, size } = await putBytes(store, bytes)
  const sha256 = hexOf(digestOf(bytes))
  return { digest, sha256, size, kid: key.kid, predicateType: statement.predicateType }
}

/** One text for one value: with a member twice, readers would not agree on what it says. */
function requirePlain({ payload }: Envelope): void {
  const text = Buffer.from(payload, 'base64').toString('utf8')
  if (JSON.stringify(JSON.parse(text)) === text) return
  throw untrue('its JSON is not plain: it has white space, or a member twice')
}

async function expectedOf(
  board: Board,
  attempt: AttemptRecord,
  report: Report,
): Promise<Statement | undefined> {
  const { work } = attempt
  if (work.kind === 'service' || report.state !== 'succeeded') return undefined
  const place = await placeOf(board, work)
  // Killed meanwhile: nothing of it becomes an outcome.
  if (!place) return undefined
  const order = {
    attempt: attempt.id,
    number: attempt.number,
    workspace: work.workspace,
    job: work.job,
    work: await orderOf(board, place),
    signing: { installation: board.parts.ledger.id, agent: attempt.agent, runner: attempt.runner },
  }
  return statementOfJob(order, report)
}

/** Where two values differ first: `predicate.runDetails.builder.id`; undefined when they do not. */
export function differenceOf(ours: Json, theirs: Json, path = ''): string | undefined {
  if (isBranch(ours) && isBranch(theirs) && Array.isArray(ours) === Array.isArray(theirs)) {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)])
    for (const name of names) {
      const [one, other] = [memberOf(ours, name), memberOf(theirs, name)]
      const below = path === '' ? name : `${path}.${name}`
      if (one === undefined || other === undefined) return below
      const found = differenceOf(one, other, below)
      if (found !== undefined) return found
    }
    return undefined
  }
  if (isBranch(ours) || isBranch(theirs)) return path
  return canonical(ours) === canonical(theirs) ? undefined : path
}

function isBranch(value: Json): value is Json[] | { [key: string]: Json } {
  return typeof value === 'object' && value !== null
}

function memberOf(value: Json[] | { [key: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? (value as { [key: string]: Json })[name] : undefined
}

interface About {
  readonly id: string
  readonly workspace: string
  /** Entity that it speaks of. */
  readonly subject: string
  /** Agent that signed it, and in which role. */
  readonly agent: string
  readonly role?: string
  /** Activity that it came from. */
  readonly activity?: string
  readonly attempt?: string
}

/** The envelope as a thing of the graph. */
export function attestationFacts(
  { digest, kid, predicateType, sha256, size }: KeptEnvelope,
  { activity, agent, attempt, id, role, subject, workspace }: About,
): { node: NewNode; edges: NewEdge[] } {
  const from = id
  return {
    node: {
      ...{ id, class: 'entity', kind: 'attestation', workspace, digest },
      name: `attestation:${sha256.slice(0, 5)}`,
      attributes: {
        ...{ sha256, size, mediaType: ENVELOPE_TYPE, predicateType, kid },
        ...(attempt !== undefined && { attempt }),
      },
    },
    edges: [
      { from, relation: 'wasDerivedFrom', to: subject, role: 'subject' },
      { from, relation: 'wasAttributedTo', to: agent, ...(role !== undefined && { role }) },
      ...(activity === undefined
        ? []
        : [{ from, relation: 'wasGeneratedBy' as const, to: activity }]),
    ],
  }
}

/** The same, into the facts of an outcome. */
export function addAttestation(
  board: Board,
  facts: { readonly nodes: NewNode[]; readonly edges: NewEdge[] },
  attempt: AttemptRecord,
  envelope: KeptEnvelope | undefined,
  subject: string | null | undefined,
  activity?: string,
): void {
  if (!envelope || !subject) return
  const { node, edges } = attestationFacts(envelope, {
    id: board.newId(),
    workspace: attempt.work.workspace,
    subject,
    agent: attempt.agent,
    role: 'worker',
    attempt: attempt.id,
    ...(activity !== undefined && { activity }),
  })
  facts.nodes.push(node)
  facts.edges.push(...edges)
}

function untrue(why: string): KaosError {
  const message = `the worker's statement cannot be taken: ${why}`
  return new KaosError('SIGNATURE_INVALID', message)
}
