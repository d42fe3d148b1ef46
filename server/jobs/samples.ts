/* What the trials of a training used while they ran, or the metrics they said: a line of JSON per
 * sample, with the place of its trial in the grid and the number of its attempt. Trials one after the
 * other, samples by time; whoever follows gets those of all trials as they come. */
import type { Board } from './board.ts'
import { jobTopic } from './changes.ts'
import { type Following, pieces, released, trialSource } from './journal-pieces.ts'
import { readRecord } from './reading.ts'
import { type JobRecord, keyOf } from './records.ts'
import { together } from './together.ts'

type Part = 'measurements' | 'metrics'

/** `trial`: only that one, by its place in the grid. A job that is no training has none. */
export async function* jobSamples(
  board: Board,
  part: Part,
  { workspace, id, train }: JobRecord,
  { trial, ...how }: Following & { readonly trial?: number | undefined },
): AsyncGenerator<Uint8Array> {
  if (!train) return
  const job = async () =>
    (await readRecord<JobRecord>(board.parts.ledger, keyOf.job(workspace, id)))!.value
  const [first, end] = trial === undefined ? [0, train.total] : [trial, trial + 1]
  const last = Math.min(end, train.total)
  if (!how.follow) {
    for (let index = first; index < last; index++) {
      if (!(await released(board, job, index, how))) return
      yield* trialSamples(board, part, id, index, how)
    }
    return
  }
  yield* together<Uint8Array>(async add => {
    for (let index = first; index < last; index++) {
      if (!(await released(board, job, index, how))) return
      add(trialSamples(board, part, id, index, how))
    }
  })
}

async function* trialSamples(
  board: Board,
  part: Part,
  job: string,
  index: number,
  how: Following,
): AsyncGenerator<Uint8Array> {
  const look = trialSource(board, job, index)
  const wanted = { journals: board[part], part, look }
  let rest = ''
  for await (const piece of pieces(board, how, { ...wanted, topic: jobTopic(job) })) {
    if (piece.first) rest = ''
    const lines = (rest + Buffer.from(piece.bytes).toString('latin1')).split('\n')
    // The last one is still being written.
    rest = lines.pop()!
    const texts = lines.map(line => labelled(line, index, piece.number))
    if (texts.length > 0) yield Buffer.from(texts.join(''))
  }
}

/** Nothing for a line that is no object: a worker is not trusted to write JSON. */
function labelled(line: string, trial: number, attempt: number): string {
  try {
    const sample: unknown = JSON.parse(Buffer.from(line, 'latin1').toString('utf8'))
    if (typeof sample !== 'object' || sample === null) return ''
    return `${JSON.stringify({ ...sample, trial, attempt })}\n`
  } catch {
    return ''
  }
}
