/** The members of evidence that are facts: proofs, keys, signed statements, graph, manifests. */
import { type Digest, hexOf, isDigest } from '../../api/digest.ts'
import {
  type DatedKey,
  type EvidenceGraph,
  MEMBER,
  type ProvedStatement,
} from '../../api/evidence/format.ts'
import type { CheckpointView } from '../../api/wire.ts'
import type { WorkerKey, WorkerKeySet } from '../../api/worker-keys.ts'
import { provJson } from '../../graph/exports/prov-json.ts'
import type { Node } from '../../graph/ledger.ts'
import { entryAt, readSmallFile } from '../../store/trees.ts'
import { blobAt, layoutPath, repositoriesWith } from '../blobs/blobs.ts'
import type { Board } from '../jobs/board.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import { keptBytes, type Member, SMALL_MAX } from './member.ts'
import { README } from './readme.ts'
import type { Slice } from './slice.ts'
import { workerKey } from './worker-keys.ts'

/** Kinds whose folder is an OCI layout. */
const LAYOUTS = new Set(['image', 'artifact'])

export async function* factMembers(
  { parts }: Board,
  slice: Slice,
  checkpoint: CheckpointView,
  first: number | undefined,
): AsyncGenerator<Member> {
  const { ledger, proofs } = parts
  const { size } = checkpoint
  yield member(MEMBER.readme, README)
  yield member(MEMBER.checkpoint, checkpoint.note)
  if (first !== undefined && first <= size) {
    yield json(MEMBER.consistency(first, size), await proofs.consistency(first, size))
  }
  const workers = await workersOf(parts, slice)
  yield json(MEMBER.keys, { keys: await datedKeys(parts) })
  yield json(MEMBER.workers, { keys: workers } satisfies WorkerKeySet)
  for (const seq of seqsOf(slice, workers)) {
    yield json(MEMBER.statement(seq), await proved(parts, seq, size))
  }
  for (const { digest, id } of slice.attestations) {
    const bytes = await keptBytes(parts.store, digest!)
    if (bytes) yield { name: MEMBER.attestation(id), size: bytes.length, bytes }
  }
  yield json(MEMBER.graph, graphOf(slice))
  yield json(MEMBER.prov, provJson(slice, ledger.id))
  yield* manifestsOf(parts, slice)
}

function member(name: string, text: string): Member {
  const bytes = Buffer.from(text)
  return { name, size: bytes.length, bytes }
}

function json(name: string, value: object): Member {
  return member(name, `${JSON.stringify(value, null, 1)}\n`)
}

async function datedKeys({ keys }: Parts): Promise<DatedKey[]> {
  // The first is made when it is needed.
  await keys.current()
  const all = await keys.list()
  return all.map(({ createdAt, jwk, retiredAt }) => {
    return { ...jwk, kaos_since: createdAt, kaos_until: retiredAt }
  })
}

/** The keys of workers that something here was signed with. */
async function workersOf({ ledger }: Parts, { attestations }: Slice): Promise<WorkerKey[]> {
  const kids = new Set(attestations.map(({ attributes }) => String(attributes.kid)))
  const keys = await Promise.all([...kids].map(kid => workerKey(ledger, kid)))
  return keys.filter(key => key !== undefined)
}

/** Every statement that made a thing or a relation of the slice, or a key what it is. */
function seqsOf({ edges, nodes }: Slice, keys: readonly WorkerKey[]): number[] {
  const things = [...nodes, ...edges].map(({ seq }) => seq)
  const ofKeys = keys.flatMap(key => [
    key.kaos_enrolled_seq,
    key.kaos_retired_seq ?? [],
    key.kaos_revoked_seq ?? [],
  ])
  return [...new Set([...things, ...ofKeys.flat()])].sort((a, b) => a - b)
}

async function proved({ ledger, proofs }: Parts, seq: number, size: number) {
  const [entry] = await ledger.log(seq, 1)
  const { proof } = await proofs.inclusion(seq, size)
  const { at, leaf, payload, salt } = entry!
  return { seq, at, leaf, salt, payload, size, proof } satisfies ProvedStatement
}

function graphOf({ edges, nodes }: Slice): EvidenceGraph {
  return {
    nodes: nodes.map(
      ({ attributes, class: kindOf, digest, id, kind, name, seq, at, workspace }) => {
        const own = { id, class: kindOf, kind, attributes, seq, at }
        const given = { ...(name !== undefined && { name }), ...(digest && { digest }) }
        return { ...own, ...given, ...(workspace !== undefined && { workspace }) }
      },
    ),
    edges: edges.map(({ from, relation, role, seq, to }) => {
      return { from, relation, to, seq, ...(role !== undefined && { role }) }
    }),
  }
}

/** Of images that an engine built, and of the ModelKit that the thing itself was pulled as. */
async function* manifestsOf(parts: Parts, { nodes, subject }: Slice): AsyncGenerator<Member> {
  const seen = new Set<string>()
  for (const node of nodes) {
    const { manifest } = node.attributes
    if (!LAYOUTS.has(node.kind) || !isDigest(manifest)) continue
    const bytes = await layoutManifest(parts, node, manifest)
    if (!bytes || seen.has(manifest)) continue
    seen.add(manifest)
    yield { name: MEMBER.manifest(hexOf(manifest)), size: bytes.length, bytes }
  }
  const kit = await pointerAt(parts.ledger, `kit/${subject.workspace}/${subject.id}`)
  const bytes = isDigest(kit?.target) && (await shownManifest(parts, kit.target))
  if (!bytes || !kit || seen.has(kit.target)) return
  yield { name: MEMBER.manifest(hexOf(kit.target as Digest)), size: bytes.length, bytes }
}

async function layoutManifest({ store }: Parts, { digest }: Node, manifest: Digest) {
  const [here] = digest ? await store.has([digest]) : []
  const entry = here ? await entryAt(store, digest!, layoutPath(manifest)) : undefined
  return entry && entry.size <= SMALL_MAX ? readSmallFile(store, entry, SMALL_MAX) : undefined
}

async function shownManifest({ ledger, store }: Parts, manifest: Digest) {
  for await (const { repository, ws } of repositoriesWith(ledger, manifest)) {
    const blob = await blobAt({ ledger, store }, ws, repository, manifest)
    if (blob && blob.size <= SMALL_MAX) return Buffer.concat(await Array.fromAsync(blob.read()))
  }
  return undefined
}
