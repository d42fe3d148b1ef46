/* The worker of this server, as its child process. It holds what the server must not: the engine's
 * socket and the programs. Its stdin is a pipe that nobody writes to: when the server dies, however
 * it dies, the worker reads the end and exits; the programs go on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { HEAP_FLAGS } from '../../api/heap.ts'
import { environmentWith } from '../config.ts'
import type { Parts, People, Settings } from '../parts.ts'
import { workerLog } from './log.ts'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A worker that lived so long did not fail at its start. */
const SOUND_MS = 60_000
/** One that lived so long is taken to work. */
const SETTLED_MS = 2000
const STOP_MS = 5000

interface Options {
  readonly settings: Settings
  readonly people: People
  /** Where the worker finds this server. */
  readonly url: string
  readonly log: Parts['log']
}

export interface Worker {
  /** Why there is none just now; undefined while it runs. */
  trouble(): string | undefined
  /** Asks it to end, and sees to it. */
  close(): Promise<void>
}

/** Resolves when the first one was started. */
export async function startWorker(options: Options): Promise<Worker> {
  const { log, settings } = options
  const own = workerLog(settings)
  let child: ChildProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let settled: NodeJS.Timeout | undefined
  let wait = FIRST_WAIT_MS
  let trouble: string | undefined
  let closing = false

  async function start(): Promise<void> {
    const token = await options.people.issueWorkerToken('local')
    if (closing) return
    const since = Date.now()
    child = own.opened(output => spawnWorker(options, token, output))
    settled = setTimeout(() => {
      trouble = undefined
    }, SETTLED_MS).unref()
    child.once('error', error => again(since, error.message))
    child.once('exit', (code, signal) => {
      const words = signal === null ? own.lastWords() : undefined
      again(since, words ?? `it ended with ${signal ?? code}`)
    })
  }

  function again(since: number, why: string): void {
    if (closing || timer) return
    if (Date.now() - since > SOUND_MS) wait = FIRST_WAIT_MS
    clearTimeout(settled)
    trouble = why
    log('warn', `the worker stopped: ${why}. It is started again; its log: ${own.file}`)
    timer = setTimeout(begin, wait)
    wait = Math.min(wait * 2, LONGEST_WAIT_MS)
  }

  function begin(): void {
    timer = undefined
    start().catch(error => again(Date.now(), String(error)))
  }

  await start()
  return {
    trouble: () => trouble,
    async close() {
      closing = true
      own.close()
      clearTimeout(timer)
      await ended(child)
    },
  }
}

function spawnWorker({ settings, url }: Options, token: string, output: number): ChildProcess {
  // In the source tree and in the package: the same extension as this file.
  const program = new URL(`../../runners/main${import.meta.url.slice(-3)}`, import.meta.url)
  const { dockerSocket, baseImage } = settings
  return spawn(process.execPath, [...HEAP_FLAGS, fileURLToPath(program)], {
    stdio: ['pipe', output, output],
    env: environmentWith({
      KAOS_SERVER: url,
      KAOS_WORKER_OWN: '1',
      KAOS_WORKER_TOKEN: token,
      KAOS_DATA: settings.data,
      KAOS_RUNNER: settings.runner,
      KAOS_SLOTS: String(settings.slots),
      KAOS_LABELS: settings.labels.join(','),
      KAOS_LOG_LEVEL: settings.logging.level,
      ...(dockerSocket !== undefined && { KAOS_DOCKER_SOCKET: dockerSocket }),
      ...(baseImage !== undefined && { KAOS_BASE_IMAGE: baseImage }),
    }),
  })
}

function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.stdin?.end()
    child.kill('SIGTERM')
  })
}
