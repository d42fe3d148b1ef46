/* Claiming: a worker waits here for work of the kinds it has room for. Who gets it is decided by the
 * ledger (the ready record must still be there); the order is put together before that, so that a
 * claim never leaves work in nobody's hands. */
import type { Actor } from '../../api/actor.ts'
import type { Claim, WorkOrder } from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import { imageRepository } from '../../api/image-names.ts'
import type { Expectation, RecordWrite } from '../../graph/ledger.ts'
import { objectsOf } from '../../store/trees.ts'
import { requireSigner } from '../attestations/worker-keys.ts'
import { type Board, carryOut, planFor, saveEndpoint, saveJob } from '../jobs/board.ts'
import { READY } from '../jobs/changes.ts'
import { forget, readRecord, retrying, same, write } from '../jobs/reading.ts'
import type { ReadyWork } from '../jobs/ready.ts'
import { type AttemptRecord, keyOf } from '../jobs/records.ts'
import { notesOf } from '../transfer/notes.ts'
import { OWN_WORKER } from '../worker/records.ts'
import { orderOf } from './orders.ts'
import { type Place, placeOf } from './places.ts'
import { turnOf } from './turn.ts'

const LATER_MS = 5000

/** The next work for this worker; undefined when there was none in the time it waits. `from`: the
 * address that it calls from. */
export async function claimWork(
  board: Board,
  actor: Actor,
  claim: Claim,
  signal: AbortSignal,
  from?: string,
): Promise<WorkOrder | undefined> {
  await requireSigner(board.parts.ledger, actor, claim.kid)
  const taker = await board.workers.heard(actor, claim, from)
  const until = performance.now() + claim.waitMs
  for (;;) {
    const over = signal.aborted || board.changes.closed
    const entry = over ? undefined : board.queue.take(claim.kinds, board.workers.fits(taker))
    if (entry) {
      const release = board.workers.hold(entry.work, taker)
      const order = await assign(board, actor, claim, entry).finally(release)
      if (order) return order
      continue
    }
    const ms = until - performance.now()
    if (ms <= 0 || over) return undefined
    await board.changes.next([READY], { ms, signal })
  }
}

async function assign(
  board: Board,
  actor: Actor,
  claim: Claim,
  entry: ReadyWork,
): Promise<WorkOrder | undefined> {
  try {
    return await board.parts.intake.relying(relied =>
      board.turns.take(turnOf(entry.work), () =>
        retrying(() => hold(board, actor, claim, entry, relied)),
      ),
    )
  } catch (error) {
    // Still in the ledger; offered again in a while, so that it does not stand before all others.
    setTimeout(() => board.ready.add(entry), LATER_MS).unref()
    throw error
  }
}

async function hold(
  board: Board,
  actor: Actor,
  claim: Claim,
  entry: ReadyWork,
  relied: readonly Expectation[],
): Promise<WorkOrder | undefined> {
  const { ledger, people, settings } = board.parts
  const ready = await readRecord(ledger, entry.key)
  const place = await placeOf(board, entry.work)
  if (!ready || !place) return undefined
  const id = board.newId()
  const { organisation, traceparent } = place.kind === 'service' ? place.endpoint : place.job
  const attempt: AttemptRecord = {
    id,
    number: place.attempts + 1,
    work: entry.work,
    organisation,
    worker: actor.name === OWN_WORKER ? claim.worker : actor.name,
    agent: actor.id,
    instance: claim.about?.instance ?? claim.worker,
    runner: claim.runner,
    phase: null,
    ...(claim.kid !== undefined && { kid: claim.kid }),
  }
  const work = await orderOf(board, place)
  const image = 'image' in work && typeof work.image === 'object' ? work.image.name : ''
  const token = await people.issueAttemptToken(id, organisation, imageRepository(image))
  const plan = planFor(actor.id, organisation, relied)
  plan.expect.push(same(ready), { record: place.key, version: place.version })
  plan.records.push(forget(entry.key), write(keyOf.attempt(id), attempt))
  plan.records.push(...(await ownNotes(board, id, work)))
  noteAttempt(board, plan, place, id)
  plan.after.push(() => board.live.add(attempt))
  await carryOut(board, plan)
  return {
    attempt: id,
    number: attempt.number,
    token,
    leaseMs: settings.leaseMs,
    workspace: entry.work.workspace,
    organisation,
    job: entry.work.job,
    work,
    ...(traceparent !== undefined && { traceparent }),
    ...(work.kind === 'service' && { secret: board.parts.secretOf(id) }),
    ...(claim.kid !== undefined && {
      signing: { installation: ledger.id, agent: actor.id, runner: claim.runner },
    }),
  }
}

/** What was stored for this order alone: nothing but the attempt keeps it. */
async function ownNotes(
  { parts: { store, now } }: Board,
  attempt: string,
  work: WorkOrder['work'],
): Promise<RecordWrite[]> {
  if (work.kind !== 'ingest') return []
  const objects = await Array.fromAsync(objectsOf(store, work.manifest as Digest))
  return notesOf(attempt, objects, now())
}

function noteAttempt(
  board: Board,
  plan: ReturnType<typeof planFor>,
  place: Place,
  attempt: string,
): void {
  const attempts = place.attempts + 1
  if (place.kind === 'service') {
    saveEndpoint(board, plan, { ...place.endpoint, attempt, attempts })
    return
  }
  const { job } = place
  if (place.kind === 'build') {
    saveJob(board, plan, { ...job, attempts, build: { ...place.build, attempt } })
    return
  }
  if (place.kind === 'ingest') {
    saveJob(board, plan, { ...job, attempts, ingest: { ...place.ingest, attempt } })
    return
  }
  plan.records.push(write(place.key, { ...place.trial, attempt, attempts }))
  plan.expect.push(same(place.jobHeld))
  saveJob(board, plan, { ...job, attempts: job.attempts + 1 })
}
