/* The journals of a piece of work, one attempt after the other: of ended attempts their stored files,
 * of the running one its journal. A reader that follows goes on where it is when the journal becomes a
 * stored file. */
import { readFile } from '../../store/trees.ts'
import type { Journals } from '../attempts/journal.ts'
import type { Board } from './board.ts'
import { attemptTopic, jobTopic } from './changes.ts'
import { readRecord } from './reading.ts'
import {
  type AttemptRecord,
  isFinal,
  type JobRecord,
  keyOf,
  type Trace,
  type TrialRecord,
} from './records.ts'

export interface Following {
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Where a piece of work stands. */
export interface Source {
  readonly traces: readonly Trace[]
  readonly attempt: string | null
  readonly ended: boolean
}

export interface Piece {
  /** Of the attempt. */
  readonly number: number
  /** Whether nothing of this attempt came before. */
  readonly first: boolean
  readonly bytes: Uint8Array
}

interface Wanted {
  readonly journals: Journals
  /** Which stored file of an ended attempt. */
  readonly part: 'log' | 'measurements' | 'metrics'
  readonly topic: string
  look(): Promise<Source>
}

/** A reader that waits looks at the records at least this often. */
const LOOK_AGAIN_MS = 1000

export function trialSource(board: Board, job: string, index: number): () => Promise<Source> {
  const key = keyOf.trial(job, index)
  return async () => {
    const trial = (await readRecord<TrialRecord>(board.parts.ledger, key))!.value
    return { traces: trial.traces, attempt: trial.attempt, ended: isFinal(trial.state) }
  }
}

/** Waits for a trial to be released, if one follows; false when it is not and will not be now. */
export async function released(
  board: Board,
  job: () => Promise<JobRecord>,
  index: number,
  { follow, signal }: Following,
): Promise<boolean> {
  const { id } = await job()
  for (;;) {
    const woken = board.changes.next([jobTopic(id)], { signal, ms: LOOK_AGAIN_MS })
    const { state, train } = await job()
    if (index < train!.next) return true
    if (isFinal(state) || !follow || signal.aborted || board.changes.closed) return false
    await woken
  }
}

export async function* pieces(
  board: Board,
  { follow, signal }: Following,
  { journals, part, topic, look }: Wanted,
): AsyncGenerator<Piece> {
  let shown: string | undefined
  let offset = 0
  const passed = new Set<string>()
  for (;;) {
    // Asked for before looking, so that nothing that happens meanwhile is missed.
    const topics = shown === undefined ? [topic] : [topic, attemptTopic(shown)]
    const woken = board.changes.next(topics, { signal, ms: LOOK_AGAIN_MS })
    const { traces, attempt, ended } = await look()
    for (const trace of traces) {
      if (passed.has(trace.attempt)) continue
      yield* storedPieces(board, trace, part, shown === trace.attempt ? offset : 0)
      passed.add(trace.attempt)
    }
    let gone = false
    if (attempt !== null && !passed.has(attempt)) {
      if (shown !== attempt) offset = 0
      shown = attempt
      const held = () => readRecord<AttemptRecord>(board.parts.ledger, keyOf.attempt(attempt))
      const number = (await held())?.value.number ?? 1
      for await (const bytes of journals.read(attempt, offset)) {
        yield { number, first: offset === 0, bytes }
        offset += bytes.length
      }
      // Ended while it was read: the rest is in the stored file.
      gone = (await held()) === undefined
    }
    if (signal.aborted || board.changes.closed || (ended && !gone)) return
    if (!follow && !gone) return
    if (!gone) await woken
  }
}

async function* storedPieces(
  board: Board,
  trace: Trace,
  part: Wanted['part'],
  skip: number,
): AsyncGenerator<Piece> {
  const stored = trace[part]
  if (!stored) return
  let first = skip === 0
  for await (const bytes of skipping(readFile(board.parts.store, stored.digest), skip)) {
    yield { number: trace.number, first, bytes }
    first = false
  }
}

async function* skipping(
  bytes: AsyncIterable<Uint8Array>,
  count: number,
): AsyncGenerator<Uint8Array> {
  let left = count
  for await (const chunk of bytes) {
    const rest = chunk.subarray(Math.min(left, chunk.length))
    left -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}
