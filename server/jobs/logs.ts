/* Logs as one text: ended attempts from their stored files, the running one from its journal. A
 * reader that follows goes on where it is when the journal becomes a stored file. */
import { pointFile } from '../../api/grid.ts'
import { hyperOf } from '../attempts/orders.ts'
import { wordsOf } from '../replay/runs.ts'
import type { Board } from './board.ts'
import { endpointTopic, jobTopic } from './changes.ts'
import { type Following, pieces, released, type Source, trialSource } from './journal-pieces.ts'
import { readRecord } from './reading.ts'
import { type EndpointRecord, isFinal, type JobRecord, keyOf } from './records.ts'

const NEWLINE = 10

/** The log of any job, or of one trial by its place in the grid. While a training waits for its image
 * there is nothing to say. */
export async function* jobLog(
  board: Board,
  { workspace, id }: JobRecord,
  { trial, ...how }: Following & { readonly trial?: number | undefined },
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
  if (trial !== undefined) {
    if (trial < first.train.total && (await released(board, job, trial, how)))
      yield* trialLog(board, id, trial, how)
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

function trialLog(
  board: Board,
  job: string,
  index: number,
  how: Following,
): AsyncGenerator<Uint8Array> {
  return workLog(board, how, jobTopic(job), trialSource(board, job, index))
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
  how: Following,
  topic: string,
  look: () => Promise<Source>,
): AsyncGenerator<Uint8Array> {
  const found = pieces(board, how, { journals: board.journals, part: 'log', topic, look })
  for await (const { number, first, bytes } of found) {
    if (first && number > 1) yield Buffer.from(`==> attempt ${number} <==\n`)
    yield bytes
  }
}
