/* Reports: how an attempt ended. Bytes before facts: what a report names must be here, whole, and
 * sent by this attempt or readable in its workspace. */
import type { Report } from '../../api/attempts.ts'
import { type Digest, digestOf } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { sizeIn } from '../../api/transfer/list.ts'
import { canonical } from '../../graph/canonical.ts'
import type { Expectation, Json } from '../../graph/ledger.ts'
import { putBytes } from '../../store/trees.ts'
import { attestedIn } from '../attestations/signed.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type AttemptRecord, keyOf, type StoredLog } from '../jobs/records.ts'
import { endAttempt, type Past } from './end.ts'
import { wellFormed } from './facts.ts'
import type { Journals } from './journal.ts'
import { stale } from './live.ts'
import { placeOf } from './places.ts'
import type { End, Size } from './verdict.ts'

export async function reportAttempt(board: Board, attempt: string, report: Report): Promise<void> {
  const clean = wellFormed(report as unknown as Json) as unknown as Report
  const reportDigest = digestOf(canonical(clean as unknown as Json))
  await onceAtATime(board, attempt, async relied => {
    const held = await board.live.renew(attempt).catch(unlessStale)
    if (!held) return answerAgain(board, attempt, reportDigest)
    const size = await checked(board, held.record, clean)
    const attested = await attestedIn(board, held.record, clean)
    const journals = await journalsOf(board, attempt, clean)
    const ending = { state: clean.state, reason: reasonOf(clean), ...journals }
    const found = { ...(size && { size }), ...(attested && { attested }) }
    const end: End = { ending, report: clean, reportDigest, ...found }
    await endAttempt(board, held.record, end, relied)
  })
}

/** The lease has run out: whoever held the work is believed lost. */
export async function expireAttempt(board: Board, attempt: AttemptRecord): Promise<void> {
  await onceAtATime(board, attempt.id, async relied => {
    if (!board.live.get(attempt.id)?.expired) return
    await lose(board, attempt, `worker ${attempt.worker} was not heard of any more`, relied)
  })
}

/** Its worker may not go on: the work is tried again elsewhere. */
export async function giveUpAttempt(
  board: Board,
  attempt: AttemptRecord,
  reason: string,
): Promise<void> {
  await onceAtATime(board, attempt.id, relied => lose(board, attempt, reason, relied))
}

async function lose(
  board: Board,
  attempt: AttemptRecord,
  reason: string,
  relied: readonly Expectation[],
): Promise<void> {
  const ending = { state: 'lost', reason, ...(await journalsOf(board, attempt.id, {})) } as const
  await endAttempt(board, attempt, { ending }, relied)
}

/** The outcome names content that is looked at here, so both are done again when a collection went
 * between. */
async function onceAtATime(
  board: Board,
  attempt: string,
  work: (relied: readonly Expectation[]) => Promise<void>,
): Promise<void> {
  await board.turns.take(`report/${attempt}`, () => board.parts.intake.relying(work))
}

/** The same report twice is no error, and changes nothing. */
async function answerAgain(board: Board, attempt: string, report: Digest): Promise<void> {
  const past = await readRecord<Past>(board.parts.ledger, keyOf.past(attempt))
  if (past?.value.report !== report) throw stale(attempt)
}

async function checked(
  board: Board,
  { id, work }: AttemptRecord,
  report: Report,
): Promise<Size | undefined> {
  const { transfer } = board.parts
  const from = { attempt: id, workspace: work.workspace }
  await checkFile(board, from, 'the log', report.log)
  await checkFile(board, from, 'the file of measurements', report.measurements)
  await checkFile(board, from, 'the file of metrics', report.metrics)
  if (report.state !== 'succeeded') return undefined
  if (work.kind === 'build') {
    await checkImage(board, id, work, report)
    return undefined
  }
  if (work.kind === 'service') return undefined
  if (report.output === undefined) {
    throw new KaosError('BAD_REQUEST', `a ${work.kind} that succeeded must report its output`)
  }
  if (work.kind === 'ingest') return checkIngest(board, id, work, report)
  return transfer.accept(id, work.workspace, report.output as Digest)
}

async function checkFile(
  { parts: { transfer, store } }: Board,
  { attempt, workspace }: { attempt: string; workspace: string },
  what: string,
  file: Report['log'],
): Promise<void> {
  if (!file) return
  const digest = file.digest as Digest
  await transfer.acceptFile(attempt, workspace, digest)
  const size = sizeIn(await store.get(digest))
  if (size === file.size) return
  throw new KaosError('BAD_REQUEST', `${what} has ${size} bytes, not ${file.size}`)
}

async function checkImage(
  board: Board,
  attempt: string,
  work: AttemptRecord['work'],
  { image }: Report,
): Promise<void> {
  if (!image) throw new KaosError('BAD_REQUEST', 'a build that succeeded must report its image')
  if (image.kind === 'oci' && image.manifest === undefined) {
    throw new KaosError('BAD_REQUEST', 'an OCI image must be reported with its manifest digest')
  }
  const place = await placeOf(board, work)
  if (place?.kind === 'build' && image.program !== place.build.work.program) {
    throw new KaosError('BAD_REQUEST', 'the image reported holds another program than the order')
  }
  await board.parts.transfer.accept(attempt, work.workspace, image.tree as Digest)
}

/** As many files as the manifest names, and a list of what they were. */
async function checkIngest(
  board: Board,
  attempt: string,
  work: AttemptRecord['work'],
  { output, fetched }: Report,
): Promise<Size> {
  if (!fetched) throw new KaosError('BAD_REQUEST', 'an ingestion must report what it fetched')
  const { transfer } = board.parts
  await transfer.acceptFile(attempt, work.workspace, fetched.digest as Digest)
  const size = await transfer.accept(attempt, work.workspace, output as Digest)
  const place = await placeOf(board, work)
  if (place?.kind !== 'ingest' || size.files === place.ingest.progress.total) return size
  const wanted = place.ingest.progress.total
  throw new KaosError('BAD_REQUEST', `${size.files} files came, where the manifest has ${wanted}`)
}

/** As they were reported, else as far as they came. */
async function journalsOf(
  board: Board,
  attempt: string,
  { log, measurements, metrics }: Pick<Report, 'log' | 'measurements' | 'metrics'>,
): Promise<Pick<End['ending'], 'log' | 'measurements' | 'metrics'>> {
  const kept = async (file: Report['log'], journals: Journals) =>
    (file as StoredLog | undefined) ?? (await sealed(journals, board, attempt))
  return {
    log: await kept(log, board.journals),
    measurements: await kept(measurements, board.measurements),
    metrics: await kept(metrics, board.metrics),
  }
}

/** What is in the journal so far, as a stored file; null when there is nothing. */
async function sealed(
  journals: Journals,
  { parts: { store } }: Board,
  attempt: string,
): Promise<StoredLog | null> {
  const file = await putBytes(store, journals.read(attempt, 0))
  return file.size === 0 ? null : file
}

function reasonOf(report: Report): string | null {
  if (report.state === 'succeeded') return null
  if (report.outOfMemory) {
    const why = report.reason ?? 'it used more memory than it was given'
    return `${why}; give it more with --memory`
  }
  if (report.reason !== undefined) return report.reason
  if (report.exit !== undefined) return `it ended with exit code ${report.exit}`
  return report.state === 'stopped' ? 'it was stopped' : null
}

function unlessStale(error: unknown): undefined {
  if (!isKaosError(error, 'ATTEMPT_STALE')) throw error
}
