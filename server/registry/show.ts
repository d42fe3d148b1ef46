/* Showing what nobody pushed as a manifest of a repository: an image that kaos built, an artifact that
 * was tagged in another repository, and, as the kits room sees them, data and models. The first pull
 * writes down how it is to be found from then on; bytes are written only for what is small. */
import { isKaosError } from '../../api/errors.ts'
import type { Expectation, Json, Move, Node, RecordWrite } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { blobWrites } from '../blobs/blobs.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { openTurns, type Turns } from '../jobs/turns.ts'
import type { View, ViewManifest } from './hooks.ts'
import { blobsIn } from './layout.ts'
import { manifestsBelow } from './members.ts'
import type { Place, Registry } from './room.ts'

/** What is known of a manifest that was made here. */
export interface Form {
  readonly mediaType: string
  readonly artifactType: string | undefined
  readonly size: number
}

/** Of a manifest that was made here: what it is. */
export function formKey(ws: string, repository: string, digest: string): string {
  return `oci-form/${ws}/${repository}/${digest}`
}

/** Of an entity: the digest of the manifest that it is shown as. */
export function formOfKey(ws: string, repository: string, entity: string): string {
  return `oci-form-of/${ws}/${repository}/${entity}`
}

/** That there is something in the repository: not every one has versions. */
export function repositoryKey(ws: string, repository: string): string {
  return `oci-repository/${ws}/${repository}`
}

const TRIES = 5
const turns = new WeakMap<Registry, Turns>()

/** Answers the digest of the entity's manifest; undefined when it has none. */
export function show(registry: Registry, place: Place, node: Node): Promise<string | undefined> {
  const own = turns.get(registry) ?? openTurns()
  turns.set(registry, own)
  return own.take(`${place.name}/${node.id}`, async () => {
    for (let turn = 1; ; turn++) {
      try {
        const { manifest } = node.attributes
        if (typeof manifest === 'string') return await showLayout(registry, place, node, manifest)
        return await showView(registry, place, node)
      } catch (error) {
        if (!isKaosError(error, 'CONFLICT') || turn === TRIES) throw error
      }
    }
  })
}

async function showLayout(
  registry: Registry,
  place: Place,
  node: Node,
  manifest: string,
): Promise<string> {
  const { store, ledger, intake, presence, now } = registry.parts
  const { ws, repository } = place
  const at = new Date(now()).toISOString()
  await intake.relying(async (expect, epoch) => {
    await presence.require(node, epoch)
    const records: RecordWrite[] = []
    for await (const { digest, size } of blobsIn(store, node)) {
      records.push(...blobWrites(ws, repository, digest, { entity: node.id, size, at }))
    }
    const moves = [{ pointer: pointerOf.oci(ws, repository, manifest), target: node.id }]
    for (const child of await manifestsBelow(ledger, node)) {
      const pointer = pointerOf.oci(ws, repository, String(child.attributes.manifest))
      moves.push({ pointer, target: child.id })
    }
    await commit(registry, place, node, { digest: manifest, expect, moves, records })
  })
  return manifest
}

async function showView(registry: Registry, place: Place, node: Node): Promise<string | undefined> {
  const { parts } = registry
  const { repository, workspace } = place
  const view = await parts.kits.view(workspace, repository, node)
  if (!view) return undefined
  const manifests = [view.manifest, ...view.referrers]
  const { digest } = view.manifest
  await parts.intake.relying(async (expect, epoch) => {
    await parts.presence.require(node, epoch)
    const records = await recordsOf(registry, place, node, view)
    const moves = [...view.moves, ...manifests.flatMap(one => movesOf(place, node, one))]
    await commit(registry, place, node, {
      digest,
      expect: [...expect, ...view.expect],
      moves,
      records,
    })
  })
  return digest
}

function movesOf({ ws, repository }: Place, { id }: Node, manifest: ViewManifest): Move[] {
  const { digest, subject } = manifest
  const moves = [{ pointer: pointerOf.oci(ws, repository, digest), target: id }]
  if (subject === undefined) return moves
  return [...moves, { pointer: pointerOf.referrer(ws, repository, subject, digest), target: id }]
}

/** Manifests and small blobs are put; the rest is made whenever somebody reads it. */
async function recordsOf(
  { parts: { store, now } }: Registry,
  { ws, repository }: Place,
  node: Node,
  view: View,
): Promise<RecordWrite[]> {
  const at = new Date(now()).toISOString()
  const records: RecordWrite[] = [
    { key: formOfKey(ws, repository, node.id), value: view.manifest.digest },
  ]
  const file = async (digest: string, bytes: Buffer) => {
    const { digest: list, size } = await putBytes(store, bytes)
    records.push(...blobWrites(ws, repository, digest, { file: list, size, at }))
  }
  for (const { digest, bytes, mediaType, artifactType } of [view.manifest, ...view.referrers]) {
    const form = { mediaType, artifactType, size: bytes.length }
    records.push({ key: formKey(ws, repository, digest), value: form as unknown as Json })
    await file(digest, bytes)
  }
  for (const blob of view.blobs) {
    const { digest, size } = blob
    if ('bytes' in blob) await file(digest, blob.bytes)
    else records.push(...blobWrites(ws, repository, digest, { view: blob.view, size, at }))
  }
  return records
}

interface Showing {
  readonly digest: string
  readonly expect: readonly Expectation[]
  readonly moves: readonly Move[]
  readonly records: readonly RecordWrite[]
}

/** By the server itself: who pulls changes nothing. */
async function commit(
  { parts: { ledger, people } }: Registry,
  { ws, repository, workspace }: Place,
  { id }: Node,
  { digest, expect, moves, records }: Showing,
): Promise<void> {
  const detail = { repository, entity: id, manifest: digest }
  await ledger.commit({
    actor: people.system.id,
    organisation: workspace.organisation,
    expect,
    statements: [{ type: 'manifest.shown', workspace: ws, moves, detail }],
    records: [...records, { key: repositoryKey(ws, repository), value: true }],
  })
}
