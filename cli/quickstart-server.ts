/* What the quickstart stands on: a server of its own, and the kaos command in its working folder. */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { HEAP_FLAGS } from '../api/heap.ts'
import { childEnvironment } from './config.ts'
import { packageRoot, programPath } from './package-root.ts'

export interface Quickstart {
  readonly url: string
  /** Runs a kaos command where everybody can see it. Throws when it fails. */
  kaos(...args: string[]): Promise<void>
  /** The JSON answer of a kaos command, without a word on the terminal. */
  answer<T>(...args: string[]): Promise<T>
  /** Does something else, under the command line that stands for it. */
  step(line: string, work: () => Promise<void>): Promise<void>
  /** The step that was begun last. */
  at(): string
  /** Stops what still serves, then the server, and waits for the end of both. */
  stop(): Promise<void>
}

interface Places {
  readonly data: string
  readonly work: string
  readonly log: string
  readonly runner: string | undefined
}

const READY = /^kaos is ready at (\S+)$/m
const POLL_MS = 100

export async function startQuickstart(places: Places): Promise<Quickstart> {
  const { data, work, log } = places
  const runner = places.runner ?? 'process'
  // What the user has set for other servers must not lead this one astray.
  const env = childEnvironment({
    KAOS_RUNNER: runner,
    KAOS_DATA: undefined,
    KAOS_ENDPOINT: undefined,
    KAOS_TOKEN: undefined,
    KAOS_WORKSPACE: undefined,
  })
  let current = 'kaos up'
  process.stdout.write(`Starting a server (runner: ${runner}, data: ${data})\n`)
  const server = spawnServer(['--port', '0', '--data', data], log, env)
  const command = join(packageRoot, 'cli', 'kaos')
  const answer = async <T>(...args: string[]): Promise<T> => {
    const done = spawnSync(command, [...args, '--json'], { cwd: work, env, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`kaos ${args.join(' ')}: ${done.stderr.trim()}`)
    return JSON.parse(done.stdout)
  }
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= stopServices(answer).then(() => ended(server)))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().then(() => process.exit(130)))
  }
  const url = await ready(server, log)
  process.stdout.write(`The server is ready at ${url}\n`)

  const step = async (line: string, doIt: () => Promise<void>) => {
    current = line
    process.stdout.write(`\n$ ${line}\n`)
    await doIt()
  }
  return {
    url,
    step,
    stop,
    at: () => current,
    kaos: (...args) =>
      step(['kaos', ...args].join(' '), async () => {
        const child = spawn(command, args, {
          cwd: work,
          env,
          stdio: ['ignore', 'inherit', 'inherit'],
        })
        const [code] = await once(child, 'close')
        if (code !== 0) throw new Error(`it ended with exit code ${code}`)
      }),
    answer,
  }
}

function spawnServer(args: string[], log: string, env: NodeJS.ProcessEnv): ChildProcess {
  const file = openSync(log, 'w')
  try {
    const program = programPath('server/main')
    const stdio: StdioOptions = ['ignore', file, file]
    // Ctrl-C must not reach it before its services are stopped.
    return spawn(process.execPath, [...HEAP_FLAGS, program, ...args], {
      env,
      stdio,
      detached: true,
    })
  } finally {
    closeSync(file)
  }
}

/** Waits for the line that says where it listens. */
async function ready(server: ChildProcess, log: string): Promise<string> {
  for (;;) {
    const text = readFileSync(log, 'utf8')
    const url = READY.exec(text)?.[1]
    if (url !== undefined) return url
    if (server.exitCode !== null || server.signalCode !== null) {
      throw new Error(`the server ended before it was ready; ${log} says:\n${text.trim()}`)
    }
    await sleep(POLL_MS)
  }
}

/** Services outlive the server, which finds them again at its next start; here nothing may be left. */
async function stopServices(answer: Quickstart['answer']): Promise<void> {
  try {
    const { running } = await answer<{ running: { name: string }[] }>('serve', 'list')
    for (const { name } of running) {
      await answer('serve', 'kill', '-e', name, '-y')
      // Its log ends when the program has.
      await answer('serve', 'logs', '-e', name, '--follow')
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    process.stderr.write(`Warning - services could not be stopped: ${why}\n`)
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = once(server, 'exit')
  server.kill('SIGTERM')
  await gone
}
