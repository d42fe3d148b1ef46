/* DOT to SVG, always with an answer: Graphviz in a thread with a deadline, and where that does not
 * come to an end a plain layered drawing of our own, which says that it is one.
 *
 * The deadline counts from the moment when the thread is ready, so that a busy machine does not
 * turn every drawing into a plain one. Few layouts run at once: each takes a whole core. */
import { Worker } from 'node:worker_threads'
import { KaosError } from '../../api/errors.ts'
import { readDot } from './dot-reader.ts'
import type { Answer } from './graphviz-worker.ts'
import { plainSvg } from './plain.ts'

export interface RenderOptions {
  /** Time that Graphviz has for the layout, in ms; default 3000. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

const DEADLINE_MS = 3000
const START_MS = 15_000
const AT_ONCE = 2
/** Sources keep `.ts`, the package holds `.js`; the worker lies beside this file in both. */
const WORKER = new URL(
  `./graphviz-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
)

let running = 0
const waiting: (() => void)[] = []

/** SVG of a DOT text. Rejects for what is no DOT, and when the signal aborts. */
export async function render(dot: string, options: RenderOptions = {}): Promise<string> {
  const { deadlineMs = DEADLINE_MS, signal } = options
  const answer = await inTurn(() => laidOut(dot, deadlineMs, signal))
  signal?.throwIfAborted()
  if ('svg' in answer) return answer.svg
  return plainSvg(graphOf(dot, answer.error), answer.error)
}

function graphOf(dot: string, error: string): ReturnType<typeof readDot> {
  try {
    return readDot(dot)
  } catch (cause) {
    throw new KaosError('BAD_REQUEST', `the drawing is not valid DOT: ${error}`, { cause })
  }
}

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>(resolve => waiting.push(resolve))
  else running++
  try {
    return await work()
  } finally {
    // The turn goes to the next in line without being given up in between.
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/** What Graphviz made of it; an error also when the deadline passed. The thread has ended then. */
async function laidOut(dot: string, deadlineMs: number, signal?: AbortSignal): Promise<Answer> {
  signal?.throwIfAborted()
  // Graphviz writes warnings about widths to stderr; nobody reads them.
  const worker = new Worker(WORKER, { stdout: true, stderr: true })
  let timer: NodeJS.Timeout | undefined
  let stop = (): void => {}
  try {
    return await new Promise<Answer>(resolve => {
      const give = (error: string) => resolve({ error })
      stop = () => give('the drawing was no longer wanted')
      signal?.addEventListener('abort', stop, { once: true })
      timer = setTimeout(give, START_MS, 'Graphviz did not start')
      worker.on('message', (message: Answer | 'ready') => {
        if (message !== 'ready') return resolve(message)
        clearTimeout(timer)
        timer = setTimeout(give, deadlineMs, `the layout was not finished after ${deadlineMs} ms`)
        worker.postMessage(dot)
      })
      worker.once('error', error => give(`Graphviz broke off: ${error.message}`))
      worker.once('exit', () => give('Graphviz broke off'))
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    await worker.terminate()
  }
}
