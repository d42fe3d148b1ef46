/* A worker thread that answers questions. It starts with the first one, does not keep the process
 * alive while nobody waits, and after a crash the next question starts another. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { KaosError } from '../../api/errors.ts'
import type { Answer, Asked, Failure, Question } from './worker.ts'

// From source this file is .ts, in a package .js; its neighbour is the same.
const WORKER = new URL(`./worker${extname(import.meta.url)}`, import.meta.url)

interface Waiting {
  part(part: unknown): void
  resolve(answer: unknown): void
  reject(error: KaosError): void
}

export interface Thread {
  /** `part` hears of what comes before the answer, in order. */
  ask(question: Question, part?: (part: unknown) => void): Promise<unknown>
  /** Ends the thread; who still waits is told UNAVAILABLE. */
  end(): Promise<void>
}

export function threadOver(file: string): Thread {
  const waiting = new Map<number, Waiting>()
  let worker: Worker | undefined
  let asked = 0

  function settle(answer: Answer): void {
    const one = waiting.get(answer.number)
    if ('part' in answer) {
      one?.part(answer.part)
      return
    }
    waiting.delete(answer.number)
    if (waiting.size === 0) worker?.unref()
    if ('answer' in answer) one?.resolve(answer.answer)
    else one?.reject(errorOf(answer.failure))
  }

  function fail(error: KaosError): void {
    worker = undefined
    const all = [...waiting.values()]
    waiting.clear()
    for (const one of all) one.reject(error)
  }

  function start(): Worker {
    // Options of this process (--input-type, --watch) are not meant for the thread.
    const started = new Worker(WORKER, { workerData: file, execArgv: [] })
    started.on('message', settle)
    started.on('error', cause => {
      if (worker === started)
        fail(new KaosError('INTERNAL', 'a reader of the ledger broke', { cause }))
    })
    return started
  }

  return {
    ask(question, part = () => {}) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const number = ++asked
      waiting.set(number, { part, resolve, reject })
      worker ??= start()
      worker.ref()
      worker.postMessage({ number, question } satisfies Asked)
      return promise
    },
    async end() {
      const ending = worker
      fail(new KaosError('UNAVAILABLE', 'the ledger was closed before the answer'))
      await ending?.terminate()
    },
  }
}

function errorOf({ code, message, cause }: Failure): KaosError {
  return new KaosError(code, message, { cause })
}
