/* Statements of the server itself, signed with the installation's key: verdicts on models and the like.
 * What comes out is not in the ledger yet: it goes into the commit that records what it speaks of. */
import {
  type Envelope,
  envelopeBytes,
  type Resource,
  resourceOf,
  signedEnvelope,
  statementOf,
} from '../../api/attestation.ts'
import type { Json } from '../../api/canonical.ts'
import { digestOf, hexOf } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import type { NewEdge, NewNode, Node } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import type { Parts } from '../parts.ts'
import { attestationFacts } from './signed.ts'

export interface Verdict {
  /** What it is about: entities with content, of one workspace. The first is what it is found by. */
  readonly subjects: readonly [Pick<Node, 'id' | 'name' | 'digest' | 'workspace'>, ...Node[]]
  /** A URI that says what the predicate is: `https://kaos.dev/replay/v1`. */
  readonly predicateType: string
  readonly predicate: { readonly [key: string]: Json }
  /** Further digests of the first subject: `{sha256: …}` of its OCI manifest. */
  readonly digests?: Readonly<Record<string, string>>
  /** Of the entity, beside those that every attestation has. */
  readonly attributes?: NewNode['attributes']
  /** Activity, in the graph or in the same commit, that it came from. */
  readonly activity?: string
  /** Of the entity, when the caller wants to choose it. */
  readonly id?: string
}

export interface Attested {
  readonly envelope: Envelope
  readonly attested: { readonly node: NewNode; readonly edges: readonly NewEdge[] }
}

/** Signs and stores the statement. To be called within the intake's work (parts.intake.relying), as it
 * puts content; node and edges then go into the statement that the caller commits. */
export async function attest(
  { keys, people, store }: Pick<Parts, 'people' | 'store' | 'keys'>,
  { activity, attributes, digests, id = newId(), predicate, predicateType, subjects }: Verdict,
): Promise<Attested> {
  const { kid, privateKey } = await keys.current()
  const about = subjects.map(({ digest, id, name = id }, at): Resource => {
    const own = digest === undefined ? { name } : resourceOf(name, digest)
    return at === 0 && digests ? { ...own, digest: { ...own.digest, ...digests } } : own
  })
  const envelope = signedEnvelope(statementOf(about, predicateType, predicate), { kid, privateKey })
  const bytes = envelopeBytes(envelope)
  const { digest, size } = await putBytes(store, bytes)
  const sha256 = hexOf(digestOf(bytes))
  const { edges, node } = attestationFacts(
    { digest, sha256, size, kid, predicateType },
    {
      id,
      workspace: subjects[0].workspace ?? '',
      subject: subjects[0].id,
      agent: people.system.id,
      ...(activity !== undefined && { activity }),
    },
  )
  const all = { ...attributes, ...node.attributes }
  return { envelope, attested: { node: { ...node, attributes: all }, edges } }
}
