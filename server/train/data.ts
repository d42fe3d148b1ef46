/* The data that a training is to have: a bundle that is there, or a manifest. Whoever needs the data
 * of a manifest finds them, joins the ingestion that is under way, or starts one, in the same commit
 * that writes down the need. The manifest itself is the input in force. */
import { type Digest, hexOf } from '../../api/digest.ts'
import type { Manifest } from '../../api/manifest.ts'
import type { NewNode, Node } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { type Board, makeReady, type Plan, saveJob, startingJob } from '../jobs/board.ts'
import { absent, readPointer, readRecord, same, write } from '../jobs/reading.ts'
import { type JobRecord, keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'

interface StoredText {
  readonly digest: Digest
  readonly size: number
}

/** A manifest as a request sent it. */
export interface SentManifest {
  readonly manifest: Manifest
  /** Name that the data get. */
  readonly folder: string
  /** Fetch although it was fetched. */
  readonly again: boolean
}

export interface NeededData {
  /** Undefined while they are ingested, or when there are none. */
  readonly data: Node | undefined
  /** The ingestion under way. */
  readonly ingest: JobRecord | undefined
}

/** Stores the text of a manifest. */
async function stored({ parts }: Board, { text }: Manifest): Promise<StoredText> {
  return putBytes(parts.store, Buffer.from(text))
}

export function ingestedPointer(workspace: string, manifest: string): string {
  return `ingested/${workspace}/${manifest}`
}

/** Plans the entity of a manifest, the same one for the same text. */
export async function planManifest(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  { manifest }: SentManifest,
): Promise<string> {
  const pointer = `manifest/${workspace.id}/${hexOf(manifest.digest)}`
  const known = await readPointer(board.parts.ledger, pointer)
  if (known !== null) return known
  const text = await stored(board, manifest)
  const node: NewNode = {
    id: board.newId(),
    class: 'entity',
    kind: 'manifest',
    workspace: workspace.id,
    name: `manifest:${manifest.hash}`,
    digest: text.digest,
    attributes: { files: manifest.files.length, sha256: manifest.digest, size: text.size },
  }
  plan.expect.push({ pointer, target: null })
  plan.statements.push({
    type: 'manifest.sent',
    workspace: workspace.id,
    nodes: [node],
    edges: [{ from: node.id, relation: 'wasAttributedTo', to: plan.actor }],
    moves: [{ pointer, target: node.id }],
  })
  return node.id
}

/** Plans what it takes to have the data. `target`: the input in force; `sent`: when it came just now. */
export async function needData(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  target: string | null,
  sent: SentManifest | undefined,
): Promise<NeededData> {
  const { ledger } = board.parts
  if (target === null) return { data: undefined, ingest: undefined }
  const node = await ledger.node(target)
  if (node?.kind === 'data' || node?.kind === 'model') return { data: node, ingest: undefined }
  const pointer = ingestedPointer(workspace.id, target)
  const underWay = await readRecord<{ job: string }>(ledger, keyOf.ingesting(target))
  const known = await readPointer(ledger, pointer)
  plan.expect.push({ pointer, target: known })
  if (underWay) {
    plan.expect.push(same(underWay))
    const key = keyOf.job(workspace.id, underWay.value.job)
    return { data: undefined, ingest: (await readRecord<JobRecord>(ledger, key))!.value }
  }
  if (known !== null && !sent?.again) return { data: await ledger.node(known), ingest: undefined }
  if (!sent) return { data: undefined, ingest: undefined }
  return { data: undefined, ingest: await planIngest(board, plan, workspace, target, sent) }
}

async function planIngest(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  manifest: string,
  sent: SentManifest,
): Promise<JobRecord> {
  const text = await stored(board, sent.manifest)
  const job = newIngest(board, plan, workspace, manifest, sent, text)
  const { id } = job
  const { name, progress } = job.ingest!
  plan.expect.push(absent(keyOf.ingesting(manifest)))
  plan.records.push(
    write(keyOf.ingesting(manifest), { job: id }),
    write(keyOf.open(workspace.id, id), {}),
  )
  plan.statements.push({
    type: 'ingest.submitted',
    workspace: workspace.id,
    nodes: [
      {
        id,
        class: 'activity',
        kind: 'import',
        workspace: workspace.id,
        name,
        attributes: { role: 'ingest', files: progress.total },
      },
    ],
    edges: [
      { from: id, relation: 'used', to: manifest, role: 'manifest' },
      { from: id, relation: 'wasAssociatedWith', to: plan.actor },
    ],
  })
  saveJob(board, plan, job)
  makeReady(board, plan, { kind: 'ingest', id, workspace: workspace.id, job: id }, job.started)
  return job
}

function newIngest(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  manifest: string,
  { manifest: { files, hash }, folder }: SentManifest,
  text: StoredText,
): JobRecord {
  return {
    ...startingJob(board, workspace, 'ingest', plan.actor),
    ingest: {
      manifest,
      text,
      name: `manifest:${hash}`,
      folder,
      pointer: ingestedPointer(workspace.id, manifest),
      data: null,
      progress: { done: 0, failed: 0, skipped: 0, total: files.length },
      attempt: null,
      traces: [],
    },
  }
}
