/* Content that records hold although no fact speaks of it (yet): what sessions have sent, what other
 * tools keep under names of their own, what runs. */
import { type Digest, digestFromRaw, isDigest } from '../../api/digest.ts'
import type { Json, Ledger, LedgerRecord, Node } from '../../graph/ledger.ts'
import type { AttemptRecord, EndpointRecord } from '../jobs/records.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import { askedSince } from '../remotes/asked.ts'
import { type Kept, rootsOf } from '../remotes/objects.ts'

/** An object by itself (noted by a session, or not), content with all that it names (which should be
 * there, or may be), or all that an entity consists of. */
export type Held = HeldObject | { readonly is: 'entity'; readonly node: Node }

interface HeldObject {
  readonly is: 'note' | 'object' | 'perhaps' | 'content'
  readonly digest: Digest
  readonly workspace: string | undefined
  /** For people: of what it is the content. */
  readonly name?: string
}

/** Records of remotes: `dvc/<workspace>/<repository>:<name>`, beside which `brought/loose/…` stands
 * while the object is in no version. */
const REMOTES = ['dvc', 'lfs'] as const
const SESSION_MS = 24 * 3600_000

/** `since`: remotes that were asked since then hold all that they have. */
export async function* heldContent(
  ledger: Ledger,
  since = Number.POSITIVE_INFINITY,
): AsyncGenerator<Held> {
  yield* notes(ledger)
  for (const remote of await askedSince(ledger, since)) {
    for await (const record of recordsBelow(ledger, `${remote}:`)) yield* remoteFile(record)
  }
  for await (const { key, value } of recordsBelow(ledger, 'blob/')) {
    const { file } = value as { file?: Json }
    const name = `blob ${placeIn(key)}`
    if (isDigest(file)) yield { is: 'content', digest: file, workspace: workspaceIn(key), name }
  }
  for (const kind of REMOTES) {
    for await (const { key } of recordsBelow(ledger, `brought/loose/${kind}/`)) {
      const record = await recordAt(ledger, key.slice('brought/loose/'.length))
      if (record) yield* remoteFile(record)
    }
  }
  for await (const { value } of recordsBelow(ledger, 'endpoint/')) {
    const { source, model, image } = value as unknown as EndpointRecord
    for (const id of [source, model?.entity, image]) {
      const node = id ? await ledger.node(id) : undefined
      if (node) yield { is: 'entity', node }
    }
  }
}

/** What was sent, and by the session's own word may be used: `sent/<session>/<note>`. */
async function* notes(ledger: Ledger): AsyncGenerator<Held> {
  let last: { session: string; workspace: string | undefined } | undefined
  for await (const { key, value } of recordsBelow(ledger, 'sent/')) {
    const session = key.split('/')[1] ?? ''
    if (last?.session !== session) {
      last = { session, workspace: await workspaceOf(ledger, session) }
    }
    const raw = Buffer.from(String(value), 'base64')
    for (let at = 0; at + 32 <= raw.length; at += 32) {
      const digest = digestFromRaw(raw.subarray(at, at + 32))
      yield { is: 'note', digest, workspace: last.workspace }
    }
  }
}

/** Of the upload or the attempt that the session belongs to. */
async function workspaceOf(ledger: Ledger, session: string): Promise<string | undefined> {
  const [upload, oci, attempt] = await ownersOf(ledger, session)
  if (upload) return (upload.value as { workspace?: string }).workspace
  if (oci) return (oci.value as { ws?: string }).ws
  return (attempt?.value as unknown as AttemptRecord | undefined)?.work.workspace
}

/** Whether nobody goes on with a session. One that no record tells of (bytes that are just coming in)
 * is over a day after its last note. */
export async function isOver(
  ledger: Ledger,
  session: string,
  notes: readonly LedgerRecord[],
  now: number,
): Promise<boolean> {
  const last = Math.max(...notes.map(({ key }) => bornAt(key.slice(key.lastIndexOf('/') + 1))))
  if (last > now - SESSION_MS) return false
  return (await ownersOf(ledger, session)).every(owner => owner === undefined)
}

function ownersOf(ledger: Ledger, session: string): Promise<(LedgerRecord | undefined)[]> {
  const keys = [`upload/${session}`, `oci-upload/${session}`, `attempt/${session}`]
  return Promise.all(keys.map(key => recordAt(ledger, key)))
}

/** A UUIDv7 begins with the milliseconds since 1970. */
function bornAt(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16)
}

/** Its list, and the segments that it lies in: it may have either. */
function* remoteFile({ key, value }: LedgerRecord): Generator<Held> {
  const object = value as unknown as Kept
  const workspace = workspaceIn(key)
  const roots = rootsOf(object)
  const file = roots.length === 1 ? 'content' : 'perhaps'
  for (const digest of roots) {
    yield { is: digest === object.file ? file : 'object', digest, workspace, name: placeIn(key) }
  }
}

/** A key without its kind and workspace: the repository, and the name there. */
function placeIn(key: string): string {
  return key.split('/').slice(2).join('/')
}

function workspaceIn(key: LedgerRecord['key']): string | undefined {
  return key.split('/')[1]
}
