/* The check of everything, now: every byte of the store is read, then everything that the ledger
 * speaks of is looked for. It runs in the background, tells how far it is, and goes on where it was
 * after a restart. It changes nothing; what it finds is healed by pushing right bytes again. */
import type { Actor } from '../../api/actor.ts'
import type { Digest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { FsckRun } from '../../api/wire.ts'
import { recordAt } from '../ledger-reads.ts'
import type { Rooms } from '../rooms.ts'
import { describeAffected } from './affected.ts'
import { heldContent } from './held.ts'
import { EPOCH } from './intake.ts'
import { entitiesOf, openKept } from './kept.ts'
import { CHECKING, type Lease, takeLease } from './lease.ts'
import { RunRecord } from './run-record.ts'
import { Unsoundness } from './unsound.ts'

export interface Fsck {
  /** `resume`: go on where the last one was broken off. CONFLICT when one is running. */
  begin(actor: Actor, resume: boolean): Promise<FsckRun>
  last(): Promise<FsckRun | undefined>
  /** Whether one is running in this process. */
  readonly busy: boolean
  /** Goes on with what a stop or a crash broke off. */
  takeUp(): Promise<void>
  close(): Promise<void>
}

/** As it is kept: with the store's cursor, and what was found so far. */
type Kept = FsckRun & { cursor?: string }

const TURNS = 3
const FILES_TOLD = 200
const RUN = 'fsck/run'

/** What the last check found, as far as it is told one by one. */
export async function foundDamaged(ledger: Rooms['ledger']): Promise<Digest[]> {
  const run = (await recordAt(ledger, RUN))?.value as unknown as Kept | undefined
  return run?.findings.map(finding => finding.digest as Digest) ?? []
}

export function openFsck(parts: Rooms): Fsck {
  const { ledger, store, people, now, log } = parts
  const agent = people.system.id
  const record = new RunRecord<Kept>(ledger, agent, RUN)
  let running: Promise<void> | undefined
  let closing = false

  async function begin(run: Kept): Promise<void> {
    requireOpen()
    const lease = await takeLease(CHECKING, { ledger, agent, now })
    await record.begin(run)
    running = check(run, lease)
      .catch(ended)
      .then(() => lease.release())
      .catch(error => log('error', `the end of a check was not noted: ${error.message}`))
      .finally(() => {
        running = undefined
      })
  }

  async function check(run: Kept, lease: Lease): Promise<void> {
    const damage = new Map(run.findings.map(({ digest, reason }) => [digest as Digest, reason]))
    if (run.phase === 'reading') await readBytes(run, damage)
    await lease.require()
    const unsound = await lookAtContent(damage)
    const affected = await describeAffected(parts, unsound.affected)
    const state = unsound.size === 0 ? 'clean' : 'damaged'
    await record.end({ ...told(unsound), affected, state, finishedAt: timeOf(now()) })
    const level = state === 'clean' ? 'info' : 'error'
    log(level, `fsck: ${state}`, { found: unsound.size, affected: affected.length })
  }

  async function readBytes(run: Kept, damage: Map<Digest, string>): Promise<void> {
    let { bytes, files = [] } = run
    for await (const checked of store.check(run.cursor)) {
      if (checked.kind === 'damage') {
        damage.set(checked.digest, checked.reason)
        log('error', `a stored object is damaged: ${checked.digest}`, { reason: checked.reason })
        continue
      }
      if (checked.kind === 'file') {
        const { file, reason } = checked
        log('warn', `the store's file ${file} was damaged: ${reason}`)
        files = [...files, { file, reason }].slice(0, FILES_TOLD)
        continue
      }
      bytes += checked.bytes
      record.change({
        bytes,
        files,
        cursor: checked.cursor,
        ...told(new Unsoundness(store, damage)),
      })
      requireOpen()
    }
    await record.save({ phase: 'looking', bytes, files })
  }

  /** What a collection took while it was looked at is not missing: then everything is looked at again. */
  async function lookAtContent(damage: ReadonlyMap<Digest, string>): Promise<Unsoundness> {
    for (let turn = 1; ; turn++) {
      const epoch = await recordAt(ledger, EPOCH)
      const unsound = new Unsoundness(store, damage)
      await lookOnce(unsound)
      await unsound.forgetHealed()
      const same = (await recordAt(ledger, EPOCH))?.version === epoch?.version
      if (unsound.size === 0 || same || turn === TURNS) return unsound
    }
  }

  async function lookOnce(unsound: Unsoundness): Promise<void> {
    const kept = await openKept(ledger)
    let entities = 0
    for await (const node of entitiesOf(ledger)) {
      requireOpen()
      if (!(await kept.has(node))) continue
      await unsound.look(node, `${node.kind} ${node.name ?? node.id}`)
      record.change({ entities: ++entities, ...told(unsound) })
    }
    for await (const held of heldContent(ledger)) {
      requireOpen()
      if (held.is === 'content') await unsound.lookAtFile(held.digest, held.name ?? held.digest)
    }
    await record.save({ entities })
  }

  function requireOpen(): void {
    if (closing) throw new KaosError('UNAVAILABLE', 'the server was stopped')
  }

  async function ended(error: Error): Promise<void> {
    // What was broken off is taken up at the next start.
    if (closing) return record.leave()
    log(isKaosError(error) ? 'warn' : 'error', `fsck failed: ${error.message}`, {
      stack: error.stack,
    })
    await record.end({ state: 'failed', error: error.message, finishedAt: timeOf(now()) })
  }

  async function last(): Promise<Kept | undefined> {
    const run = await record.last()
    if (run?.state !== 'running' || running !== undefined) return run
    return (await recordAt(ledger, CHECKING)) ? run : { ...run, state: 'stopped' }
  }

  async function view(): Promise<FsckRun | undefined> {
    const run = await last()
    if (!run) return undefined
    const { cursor: _, ...shown } = run
    return { ...shown, by: await people.nameOf(run.by) }
  }

  return {
    get busy() {
      return running !== undefined
    },
    async begin(actor, resume) {
      const before = resume ? await last() : undefined
      if (before?.state === 'stopped' || before?.state === 'failed') {
        await begin({ ...before, state: 'running', error: null, finishedAt: null })
      } else {
        const { bytes: totalBytes } = await store.stats()
        await begin(newRun(actor.id, totalBytes, now()))
      }
      return (await view())!
    },
    last: view,
    async takeUp() {
      const run = await last()
      if (run?.state !== 'stopped') return
      await begin({ ...run, state: 'running' })
      log('info', 'fsck goes on', { bytes: run.bytes })
    },
    async close() {
      closing = true
      await running
    },
  }
}

function told(unsound: Unsoundness): Pick<FsckRun, 'found' | 'findings'> {
  const findings = unsound.findings().map(one => ({ ...one, entities: [...one.entities] }))
  return { found: unsound.size, findings }
}

function timeOf(now: number): string {
  return new Date(now).toISOString()
}

function newRun(by: string, totalBytes: number, now: number): Kept {
  return {
    run: newId(now),
    state: 'running',
    phase: 'reading',
    by,
    startedAt: timeOf(now),
    finishedAt: null,
    bytes: 0,
    totalBytes,
    entities: 0,
    found: 0,
    findings: [],
    affected: [],
    files: [],
    error: null,
  }
}
