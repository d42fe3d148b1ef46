/* Records that hold content although nothing needs it any more. They go with a collection:
 *   - what a session sent that is over
 *   - blobs that came into a repository and that no manifest there names
 *   - objects of DVC and Git LFS whose version was removed
 * Whoever looked at such a record before it went looks again: gc/epoch grows with each removal. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { rawOf } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Expectation, LedgerRecord, RecordWrite } from '../../graph/ledger.ts'
import { type BlobRecord, blobRemoval } from '../blobs/blobs.ts'
import { pointerAt, recordAt, recordsBelow } from '../ledger-reads.ts'
import { askedSince } from '../remotes/asked.ts'
import { type Kept, rootsOf } from '../remotes/objects.ts'
import type { Rooms } from '../rooms.ts'
import { isOver } from './held.ts'
import { EPOCH } from './intake.ts'
import { namedBlobs } from './manifests.ts'
import type { Mark } from './mark.ts'

export interface Pruned {
  readonly blobs: number
  readonly sessions: number
}

type Ground = Pick<Rooms, 'ledger' | 'store' | 'people' | 'now'>

const PER_COMMIT = 200
const REMOTES = ['dvc', 'lfs'] as const

/** What is pruned before a collection looks. */
export async function pruneRecords(ground: Ground, graceMs: number): Promise<Pruned> {
  const sessions = await pruneSessions(ground)
  return { sessions, blobs: await pruneBlobs(ground, graceMs) }
}

async function pruneSessions(ground: Ground): Promise<number> {
  const { ledger, now } = ground
  let sessions = 0
  let notes: LedgerRecord[] = []
  const end = async () => {
    const session = notes[0]?.key.split('/')[1]
    if (session === undefined || !(await isOver(ledger, session, notes, now()))) return
    sessions++
    await remove(ground, notes, itself)
  }
  for await (const note of recordsBelow(ledger, 'sent/')) {
    if (note.key.split('/')[1] !== notes[0]?.key.split('/')[1]) {
      await end()
      notes = []
    }
    notes.push({ ...note, value: null })
  }
  await end()
  return sessions
}

async function pruneBlobs(ground: Ground, graceMs: number): Promise<number> {
  const { ledger, now } = ground
  const named = namedBlobs(ground)
  let gone: LedgerRecord[] = []
  let count = 0
  for await (const record of recordsBelow(ledger, 'blob/')) {
    const { ws, repository, digest } = placeOf(record.key)
    const blob = record.value as unknown as BlobRecord
    if (!('file' in blob) || Date.parse(blob.at) > now() - graceMs) continue
    if ((await named.of(ws, repository)).has(digest)) continue
    gone.push(record)
    if (gone.length < PER_COMMIT) continue
    count += await remove(ground, gone, blobGone)
    gone = []
  }
  return count + (await remove(ground, gone, blobGone))
}

/** What is pruned once it is known what is kept: objects of remotes, and blobs in the layout of an
 * entity, that lead to nothing kept. Those in no version yet were kept by their records. `counters`:
 * as they were before it was looked at. */
export async function pruneUnreached(
  ground: Ground,
  mark: Mark,
  { graceMs, counters }: { graceMs: number; counters: Counters },
): Promise<{ blobs: number; remotes: number }> {
  return {
    remotes: await pruneRemotes(ground, mark, graceMs, counters),
    blobs: await pruneLayouts(ground, mark),
  }
}

async function pruneLayouts(ground: Ground, mark: Mark): Promise<number> {
  let gone: LedgerRecord[] = []
  let count = 0
  for await (const record of recordsBelow(ground.ledger, 'blob/')) {
    const blob = record.value as unknown as BlobRecord
    if (!('entity' in blob) || !mark.dropped.has(Buffer.from(blob.entity, 'hex'))) continue
    const { digest } = (await ground.ledger.node(blob.entity)) ?? {}
    if (digest !== undefined && mark.reach.has(rawOf(digest))) continue
    gone.push(record)
    if (gone.length < PER_COMMIT) continue
    count += await remove(ground, gone, blobGone)
    gone = []
  }
  return count + (await remove(ground, gone, blobGone))
}

/** Of each repository that is a remote: the number of its last version. One that has a newer version by
 * now is left alone: what is in it may have been in none when it was looked at. */
export type Counters = ReadonlyMap<string, string | null>

export async function countersOf({ ledger }: Ground): Promise<Counters> {
  const counters = new Map<string, string | null>()
  for (const kind of REMOTES) {
    for (let after = ''; ; ) {
      const [record] = await ledger.records(`${kind}/`, { limit: 1, ...(after && { after }) })
      if (!record) break
      const of = ofRemote(record.key)
      after = `${kind}/${of}:\u{10ffff}`
      counters.set(of, (await pointerAt(ledger, `versions/${of}`))?.target ?? null)
    }
  }
  return counters
}

async function pruneRemotes(
  ground: Ground,
  { reach, since }: Mark,
  graceMs: number,
  counters: Counters,
): Promise<number> {
  const { ledger, now } = ground
  const asked = await askedSince(ledger, since)
  let count = 0
  for (const kind of REMOTES) {
    for (const [of, target] of counters) {
      if (asked.has(`${kind}/${of}`)) continue
      const expect = [{ pointer: `versions/${of}`, target }]
      let gone: LedgerRecord[] = []
      for await (const record of recordsBelow(ledger, `${kind}/${of}:`)) {
        const object = record.value as unknown as Kept
        if (rootsOf(object).some(root => reach.has(rawOf(root)))) continue
        if (Date.parse(object.at) > now() - graceMs) continue
        if (await recordAt(ledger, `brought/loose/${record.key}`)) continue
        gone.push(record)
        if (gone.length < PER_COMMIT) continue
        count += await remove(ground, gone, itself, expect)
        gone = []
      }
      count += await remove(ground, gone, itself, expect)
    }
  }
  return count
}

const itself = ({ key }: LedgerRecord): RecordWrite[] => [{ key, value: null }]

/** `<workspace>/<repository>` in `dvc/<workspace>/<repository>:<name>`. */
function ofRemote(key: string): string {
  return key.slice(key.indexOf('/') + 1, key.indexOf(':'))
}

/** Removes those that are still as they were read; answers how many. */
async function remove(
  { ledger, people }: Ground,
  records: readonly LedgerRecord[],
  writes: (record: LedgerRecord) => RecordWrite[],
  besides: readonly Expectation[] = [],
): Promise<number> {
  const still: LedgerRecord[] = []
  for (const record of records) {
    if ((await recordAt(ledger, record.key))?.version === record.version) still.push(record)
  }
  if (still.length === 0) return 0
  const expect: Expectation[] = still.map(({ key, version }) => ({ record: key, version }))
  try {
    await ledger.commit({
      actor: people.system.id,
      organisation: DEFAULT_ORGANISATION,
      expect: [...expect, ...besides],
      records: [...still.flatMap(writes), { key: EPOCH, value: {} }],
    })
  } catch (error) {
    // One of them was written meanwhile: the next collection looks again.
    if (isKaosError(error, 'CONFLICT')) return 0
    throw error
  }
  return still.length
}

function blobGone({ key }: LedgerRecord): RecordWrite[] {
  const { ws, repository, digest } = placeOf(key)
  return blobRemoval(ws, repository, digest)
}

/** `blob/<ws>/<repository>/<digest>`; a repository's name may hold slashes. */
function placeOf(key: string): { ws: string; repository: string; digest: string } {
  const [, ws = '', ...rest] = key.split('/')
  return { ws, digest: rest.pop() ?? '', repository: rest.join('/') }
}
