/* Logs as one text: ended attempts from their stored files, the running one from its journal. A
 * reader that follows goes on where it is when the journal becomes a stored file. */
import { pointFile } from '../../api/grid.ts'
import { readFile } from '../../store/trees.ts'
import { hyperOf } from '../attempts/orders.ts'
import { wordsOf } from '../replay/runs.ts'
import type { Board } from './board.ts'
import { attemptTopic, endpointTopic, jobTopic } from './changes.ts'
import { readRecord } from './reading.ts'
import {
  type EndpointRecord,
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

/** Where a piece of work stands, for its log. */
interface Source {
  readonly traces: readonly Trace[]
  readonly attempt: string | null
  readonly ended: boolean
}

const NEWLINE = 10

/** The log of any job. While a training waits for its image there is nothing to say. */
export async function* jobLog(
  board: Board,
  { workspace, id }: JobRecord,
  how: Following,
): AsyncGenerator<Uint8Array> {
  const job = async (): Promise<JobRecord> =>
    (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id)))!.value
  const first = await job()
  if (!first.train) {
    yield* workLog(board, how, jobTopic(id), async () => {
      const { state, build, ingest } = await job()
      const { traces, attempt } = (build ?? ingest)!
      return { traces, attempt, ended: isFinal(state) }
    })
    return
  }
  let last = NEWLINE
  for (let index = 0; ; index++) {
    if (!(await released(board, job, index, how))) return
    if (first.train.total > 1 || first.replay) {
      yield Buffer.from(await heading(board, await job(), index, last))
    }
    for await (const chunk of trialLog(board, id, index, how)) {
      last = chunk.at(-1) ?? last
      yield chunk
    }
  }
}

/** The log of an endpoint: of the attempts it still knows, and of the one that serves. */
export async function* endpointLog(
  board: Board,
  name: string,
  how: Following,
): AsyncGenerator<Uint8Array> {
  const { ledger } = board.parts
  yield* workLog(board, how, endpointTopic(name), async () => {
    const listed = await readRecord<EndpointRecord>(ledger, keyOf.endpoint(name))
    const held = listed ?? (await readRecord<EndpointRecord>(ledger, keyOf.gone(name)))
    const { traces = [], attempt = null, state } = held?.value ?? {}
    const over = state === 'PIPELINE_FAILURE' || state === 'PIPELINE_KILLED' || state === undefined
    return { traces, attempt, ended: over && attempt === null }
  })
}

/** Waits for a trial to be released, if one follows; false when it is not and will not be now. */
async function released(
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

/** A reader that waits looks at the records at least this often. */
const LOOK_AGAIN_MS = 1000

function trialLog(
  board: Board,
  job: string,
  index: number,
  how: Following,
): AsyncGenerator<Uint8Array> {
  const key = keyOf.trial(job, index)
  return workLog(board, how, jobTopic(job), async () => {
    const trial = (await readRecord<TrialRecord>(board.parts.ledger, key))!.value
    return { traces: trial.traces, attempt: trial.attempt, ended: isFinal(trial.state) }
  })
}

async function heading(board: Board, job: JobRecord, index: number, last: number): Promise<string> {
  const run = job.replay?.runs[index]
  if (run) return `${last === NEWLINE ? '' : '\n'}==> run ${index + 1}: ${wordsOf(run)} <==\n`
  const hyper = await hyperOf(board, job.train!, index)
  const point = hyper ? pointFile(hyper.values as never).replace(/\.json$/, '') : String(index)
  return `${last === NEWLINE ? '' : '\n'}==> trial ${point} <==\n`
}

async function* workLog(
  board: Board,
  { follow, signal }: Following,
  topic: string,
  look: () => Promise<Source>,
): AsyncGenerator<Uint8Array> {
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
      const skip = shown === trace.attempt ? offset : 0
      if (skip === 0 && trace.number > 1 && trace.log) yield attemptHeading(trace.number)
      if (trace.log) yield* skipping(readFile(board.parts.store, trace.log.digest), skip)
      passed.add(trace.attempt)
    }
    let gone = false
    if (attempt !== null && !passed.has(attempt)) {
      if (shown !== attempt) offset = 0
      shown = attempt
      for await (const chunk of board.journals.read(attempt, offset)) {
        const number = board.live.get(attempt)?.record.number ?? 1
        if (offset === 0 && number > 1) yield attemptHeading(number)
        offset += chunk.length
        yield chunk
      }
      // Ended while it was read: the rest is in the stored file.
      gone = board.live.get(attempt) === undefined
    }
    if (signal.aborted || board.changes.closed || (ended && !gone)) return
    if (!follow && !gone) return
    if (!gone) await woken
  }
}

function attemptHeading(number: number): Uint8Array {
  return Buffer.from(`==> attempt ${number} <==\n`)
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
