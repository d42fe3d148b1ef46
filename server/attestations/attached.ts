/* Signed statements as referrers of OCI manifests. Whoever asks what refers to a manifest finds those
 * about the thing that it shows; they are put there when somebody first asks, so that one that came
 * later is there as well.
 *
 * A statement of a worker names a model by its tree: what the manifest of its ModelKit will be called
 * nobody knows then. So the installation adds a statement of its own, once for each manifest: that it
 * shows this model, and which worker's statement it checked (SLSA verification summary, v1).
 *
 *   oci-attested/<ws>/<repository>/<manifest>/<attestation>   it is listed there; a record */
import { type Envelope, envelopeIn } from '../../api/attestation.ts'
import type { Json } from '../../api/canonical.ts'
import { digestOf, hexOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Expectation, Move, Node, RecordWrite, Statement } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { blobWrites } from '../blobs/blobs.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointerAt, recordsBelow } from '../ledger-reads.ts'
import { findManifest } from '../registry/find.ts'
import { IMAGE_MANIFEST } from '../registry/manifest.ts'
import type { Place, Registry } from '../registry/room.ts'
import { formKey } from '../registry/show.ts'
import { attest } from './attest.ts'
import { formsOf, type OciSubject } from './forms.ts'
import { keptBytes } from './member.ts'
import { attestationsOf } from './slice.ts'
import { workerKey } from './worker-keys.ts'

export const SUMMARY = 'https://slsa.dev/verification_summary/v1'

/** Sees to it that all signed statements about what this manifest shows refer to it. */
export async function attachAttestations(
  registry: Registry,
  place: Place,
  manifest: string,
): Promise<void> {
  const { ledger } = registry.parts
  const { repository, ws } = place
  const pointer = await pointerAt(ledger, pointerOf.oci(ws, repository, manifest))
  const entity = pointer && (await ledger.node(pointer.target))
  if (!entity) return
  const all = await attestationsOf(ledger, entity.id)
  if (all.length === 0) return
  const prefix = `oci-attested/${ws}/${repository}/${manifest}/`
  const there = await Array.fromAsync(recordsBelow(ledger, prefix), ({ key }) => key)
  const known = new Set(there.map(key => key.slice(prefix.length)))
  const missing = all.filter(one => !known.has(one.id) && isAbout(one, manifest))
  const isSummed = all.some(({ attributes }) => attributes.shows === manifest)
  if (missing.length === 0 && isSummed) return
  const found = await findManifest(registry, place, manifest)
  if (!found) return
  const { digest, mediaType, size } = found
  try {
    await attach(registry, place, entity, { digest, mediaType, size }, { all, isSummed, missing })
  } catch (error) {
    // Somebody else did the same just now, or there is no room: what is listed is still told.
    if (!isKaosError(error, 'CONFLICT') && !isKaosError(error, 'STORAGE_FULL')) throw error
  }
}

/** A summary is about one manifest, everything else about every one that shows the thing. */
function isAbout({ attributes }: Node, manifest: string): boolean {
  return attributes.shows === undefined || attributes.shows === manifest
}

interface Todo {
  readonly all: readonly Node[]
  readonly missing: readonly Node[]
  readonly isSummed: boolean
}

async function attach(
  { parts }: Registry,
  place: Place,
  entity: Node,
  subject: OciSubject,
  todo: Todo,
): Promise<void> {
  const { repository, workspace, ws } = place
  await parts.intake.relying(async relied => {
    const expect: Expectation[] = [...relied]
    const moves: Move[] = []
    const records: RecordWrite[] = []
    const made: Statement[] = []
    const list = async (node: Pick<Node, 'id' | 'attributes'>, envelope: Envelope) => {
      const key = `oci-attested/${ws}/${repository}/${subject.digest}/${node.id}`
      expect.push({ record: key, version: 0 })
      records.push({ key, value: true })
      const added = await listed(parts, place, node, envelope, subject)
      moves.push(...added.moves)
      records.push(...added.records)
    }
    for (const node of todo.missing) {
      const envelope = await envelopeOf(parts, node)
      if (envelope) await list(node, envelope)
    }
    const summary = todo.isSummed ? undefined : await summaryOf(parts, place, entity, subject, todo)
    if (summary) {
      const { edges, node } = summary.attested
      made.push({ type: 'attestation.made', workspace: ws, nodes: [node], edges: [...edges] })
      await list(node, summary.envelope)
    }
    if (moves.length === 0) return
    const detail = { repository, entity: entity.id, manifest: subject.digest }
    const shown: Statement = { type: 'attestation.shown', workspace: ws, moves, detail }
    const { organisation } = workspace
    const actor = parts.people.system.id
    // The entity itself is a fact before it is pointed at.
    await parts.ledger.commit({
      actor,
      organisation,
      expect,
      statements: [...made, shown],
      records,
    })
  })
}

/** Undefined while its bytes are damaged or lost. */
async function envelopeOf(
  { store }: Registry['parts'],
  { digest }: Node,
): Promise<Envelope | undefined> {
  const bytes = await keptBytes(store, digest!)
  return bytes && envelopeIn(bytes)
}

async function listed(
  { now, store }: Registry['parts'],
  { repository, ws }: Place,
  { attributes, id }: Pick<Node, 'id' | 'attributes'>,
  envelope: Envelope,
  subject: OciSubject,
): Promise<{ moves: Move[]; records: RecordWrite[] }> {
  const at = new Date(now()).toISOString()
  const moves: Move[] = []
  const records = new Map<string, Json>()
  const keep = async (bytes: Buffer, digest: string) => {
    const { digest: file, size } = await putBytes(store, bytes)
    for (const { key, value } of blobWrites(ws, repository, digest, { file, size, at })) {
      records.set(key, value)
    }
  }
  const about = { predicateType: String(attributes.predicateType), kid: String(attributes.kid), at }
  for (const { artifactType, blobs, digest, manifest } of formsOf(envelope, about, subject)) {
    const form = { mediaType: IMAGE_MANIFEST, artifactType, size: manifest.length }
    records.set(formKey(ws, repository, digest), form)
    await keep(manifest, digest)
    for (const blob of blobs) await keep(blob, digestOf(blob))
    moves.push(
      { pointer: pointerOf.oci(ws, repository, digest), target: id },
      { pointer: pointerOf.referrer(ws, repository, subject.digest, digest), target: id },
    )
  }
  return { moves, records: [...records].map(([key, value]) => ({ key, value })) }
}

/** Undefined when no worker signed anything about it: then there is nothing to sum up. */
async function summaryOf(
  parts: Registry['parts'],
  place: Place,
  entity: Node,
  { digest }: OciSubject,
  { all }: Todo,
) {
  const { ledger, now } = parts
  const inputs: Json[] = []
  for (const { attributes, id } of all) {
    const key = await workerKey(ledger, String(attributes.kid))
    if (!key || key.kaos_revoked !== undefined) continue
    inputs.push({ uri: `urn:kaos:${ledger.id}:${id}`, digest: { sha256: attributes.sha256! } })
  }
  if (inputs.length === 0 || !digest.startsWith('sha256:')) return undefined
  return attest(parts, {
    subjects: [entity],
    digests: { sha256: hexOf(digest as `sha256:${string}`) },
    attributes: { shows: digest },
    predicateType: SUMMARY,
    predicate: {
      verifier: { id: `urn:kaos:${ledger.id}` },
      timeVerified: new Date(now()).toISOString(),
      resourceUri: `pkg:oci/${place.name}@${digest}`,
      policy: { uri: 'https://kaos.dev/policy/outcome/v1' },
      inputAttestations: inputs,
      verificationResult: 'PASSED',
      verifiedLevels: ['SLSA_BUILD_LEVEL_1'],
      slsaVersion: '1.1',
    },
  })
}
