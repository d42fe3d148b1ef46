/* The facts of an artifact that was pushed: the import, the entity, what it holds and refers to. */
import type { Digest } from '../../api/digest.ts'
import { newId } from '../../api/ids.ts'
import type { Json, NewEdge, Node, Statement } from '../../graph/ledger.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Push } from './arrive.ts'
import type { Additions } from './hooks.ts'
import type { Registry } from './room.ts'

interface Making {
  readonly id: string
  readonly layout: { readonly digest: Digest; readonly bytes: number }
  readonly children: readonly Node[]
  readonly additions: Additions | undefined
}

/** A statement has its limits. */
const EDGES_MAX = 2000
const SHORT = 5

export async function artifactStatements(
  { ledger }: Registry['parts'],
  push: Push,
  { id, layout, children, additions }: Making,
): Promise<Statement[]> {
  const { actor, place, manifest } = push
  const { ws, repository } = place
  const activity = newId()
  const of = { workspace: ws }
  const subject = await subjectOf(ledger, push)
  const edges: NewEdge[] = [
    { from: activity, relation: 'wasAssociatedWith', to: actor.id },
    { from: id, relation: 'wasGeneratedBy', to: activity },
    { from: id, relation: 'wasAttributedTo', to: actor.id },
    ...subject.edges.map(edge => ({ from: id, ...edge })),
    ...(additions?.edges ?? []),
  ]
  const members = children.map((child): NewEdge => {
    return { from: id, relation: 'hadMember', to: child.id }
  })
  const node = {
    ...{ id, class: 'entity' as const, kind: 'artifact', ...of, digest: layout.digest },
    name: nameOf(repository, manifest.digest),
    attributes: attributesOf(push, layout.bytes, additions),
  }
  const imported: Statement = {
    type: 'artifact.imported',
    ...of,
    nodes: [
      { id: activity, class: 'activity', kind: 'import', ...of, attributes: {} },
      node,
      ...(additions?.nodes ?? []),
    ],
    edges: [...edges, ...members.splice(0, EDGES_MAX)],
    moves: [
      { pointer: pointerOf.oci(ws, repository, manifest.digest), target: id },
      ...(subject.pointer ? [{ pointer: subject.pointer, target: id }] : []),
      ...(additions?.moves ?? []),
    ],
    detail: { repository, manifest: manifest.digest },
  }
  const statements = [imported, ...(additions?.statements ?? [])]
  while (members.length > 0) {
    statements.push({ type: 'artifact.held', ...of, edges: members.splice(0, EDGES_MAX) })
  }
  return statements
}

/** What it refers to may come later, or never. */
async function subjectOf(ledger: Registry['parts']['ledger'], { place, manifest }: Push) {
  const { ws, repository } = place
  const { subject, digest } = manifest
  if (subject === undefined) return { edges: [], pointer: undefined }
  const pointer = pointerOf.referrer(ws, repository, subject, digest)
  const known = await pointerAt(ledger, pointerOf.oci(ws, repository, subject))
  const edges = known
    ? [{ relation: 'wasDerivedFrom' as const, to: known.target, role: 'subject' }]
    : []
  return { edges, pointer }
}

function attributesOf(
  { actor, place, manifest }: Push,
  bytes: number,
  additions: Additions | undefined,
): Record<string, Json> {
  const { digest, mediaType, artifactType, subject } = manifest
  return {
    ...additions?.attributes,
    manifest: digest,
    mediaType,
    ...(artifactType !== undefined && { artifactType: artifactType.toWellFormed() }),
    ...(subject !== undefined && { subject }),
    size: manifest.bytes.length,
    bytes,
    repository: place.repository,
    author: actor.id,
  }
}

/** `images:9f2c1`: the first digits of the manifest's digest, which docker shows as well. */
function nameOf(repository: string, digest: string): string {
  return `${repository}:${digest.slice(digest.indexOf(':') + 1).slice(0, SHORT)}`
}
