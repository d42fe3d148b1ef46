/* Drives the real program as a user does: `kaos up`'s server as a child process on a free port, and
 * the real CLI as child processes in a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { HEAP_FLAGS } from '../../api/heap.ts'

export const root = join(import.meta.dirname, '..', '..')

/** Where the CLI of this test file keeps what it has seen of servers. */
const states = mkdtempSync(join(tmpdir(), 'kaos-state-'))
const folders = [states]
process.on('exit', () => {
  for (const path of folders) {
    endProgramsOf(path)
    rmSync(path, { recursive: true, force: true })
  }
})

/** What a worker started outlives it: the services that a test left running are ended with the test. */
function endProgramsOf(path: string): void {
  const all = existsSync('/proc') ? readdirSync('/proc').filter(name => /^\d+$/.test(name)) : []
  for (const id of all) {
    try {
      if (readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(path)) process.kill(+id, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
}

export interface Done {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end. */
export function run(
  file: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, XDG_STATE_HOME: states, XDG_CACHE_HOME: states, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', data => out.push(data))
    child.stderr.on('data', data => err.push(data))
    child.on('error', reject)
    child.on('close', code =>
      resolve({
        code,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      }),
    )
  })
}

export interface Server {
  readonly url: string
  readonly process: ChildProcess
  /** Asks it to drain, and waits until it is gone. */
  stop(): Promise<void>
  /** kill -9 of the server alone. */
  kill(): Promise<void>
}

/** Starts a server and waits for its "kaos is ready" line. */
export function startServer(
  data: string,
  options: { port?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<Server> {
  const child = spawn(
    process.execPath,
    [
      ...HEAP_FLAGS,
      join(root, 'server', 'main.ts'),
      '--port',
      String(options.port ?? 0),
      '--data',
      data,
    ],
    {
      env: { ...process.env, KAOS_RUNNER: 'process', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const gone = new Promise<void>(resolve => child.once('close', () => resolve()))
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await gone
  }
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr.on('data', data => {
      text += data
    })
    createInterface({ input: child.stdout }).on('line', line => {
      text += `${line}\n`
      const url = /kaos is ready at (\S+)/.exec(line)?.[1]
      if (url !== undefined) {
        resolve({ url, process: child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') })
      }
    })
    void gone.then(() => reject(new Error(`the server ended before it was ready:\n${text}`)))
  })
}

/** A folder that is gone after the test. */
export function folder(t: TestContext, name = 'kaos-e2e-'): string {
  const path = mkdtempSync(join(tmpdir(), name))
  folders.push(path)
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))
  return path
}

/** The CLI in a folder: kaos('train', 'list'). */
export function cli(cwd: string, env?: NodeJS.ProcessEnv) {
  return (...args: string[]): Promise<Done> =>
    run(join(root, 'cli', 'kaos'), args, { cwd, ...(env === undefined ? {} : { env }) })
}

/** A copy of a template to change. */
export function template(name: string, target: string): void {
  cpSync(join(root, 'templates', name), target, { recursive: true })
}
