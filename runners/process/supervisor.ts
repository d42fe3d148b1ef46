/* The supervisor: a process of its own per attempt, which outlives the worker. It starts the program
 * through the launcher, writes its log, keeps its memory limit, and writes down durably how it ended.
 *
 *   node supervisor.ts PLACE_DIR      fd 3: closed once the program runs
 *
 * Always true: `state.json` is there before the program is, `exit.json` after it has ended and
 * nothing that it started is alive. SIGTERM asks for the end; `stop.json` says how patiently. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import type { Server } from 'node:net'
import { Socket } from 'node:net'
import { writeDurably } from '../durably.ts'
import { nameOf, ownMemoryOf, type ProcessName, usageOf } from '../host-processes.ts'
import { LogFile } from '../log-file.ts'
import type { Exit } from '../runner.ts'
import { type Ending, exitOf } from './ending.ts'
import { type Launch, placeFiles, readLaunch, readStop } from './place-files.ts'
import { openRelay } from './relay.ts'

const LOOK_MS = 500
/** How long pipes may stay open after the program has ended, held by what could not be ended. */
const DRAIN_MS = 2000

class Supervisor {
  readonly #files
  readonly #launch: Launch
  readonly #startedAt = new Date().toISOString()
  readonly #ending: Ending = { failure: '' }
  #launcher: ChildProcess | undefined
  #name: ProcessName | undefined
  #relay: Server | undefined
  /** The program has ended by itself, or was ended: a wish comes too late. */
  #over = false

  constructor(dir: string) {
    this.#files = placeFiles(dir)
    const launch = readLaunch(this.#files)
    if (launch === undefined) throw new Error(`${this.#files.launch} is missing`)
    this.#launch = launch
  }

  async run(): Promise<void> {
    process.on('SIGTERM', () => this.#stop())
    for (const signal of ['SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {})
    const supervisor = nameOf(process.pid)!
    writeDurably(this.#files.state, { supervisor, startedAt: this.#startedAt })
    // Whoever gave up on this place before state.json was there has left its wish; so none is missed.
    if (existsSync(this.#files.stop)) this.#stop()
    const { address, relayPort } = this.#launch
    if (address !== undefined && 'socket' in address && relayPort !== undefined) {
      rmSync(address.socket, { force: true })
      this.#relay = await openRelay(address.socket, relayPort)
    }
    if (this.#ending.wish === undefined) await this.#supervise(supervisor)
    this.#finish(exitOf(this.#ending, this.#startedAt, this.#files, this.#launch))
  }

  async #supervise(supervisor: ProcessName): Promise<void> {
    const log = new LogFile(this.#files.log)
    const { launcher, drained } = this.#start(log)
    const ended = new Promise<void>(resolve => {
      launcher.once('error', error => {
        this.#ending.failure = `the launcher cannot be started: ${error.message}`
        resolve()
      })
      launcher.once('exit', (code, signal) => {
        Object.assign(this.#ending, { code, signal })
        this.#over = true
        resolve()
      })
    })
    this.#name = launcher.pid === undefined ? undefined : nameOf(launcher.pid)
    const state = { supervisor, startedAt: this.#startedAt }
    writeDurably(this.#files.state, this.#name ? { ...state, launcher: this.#name } : state)
    sayStarted()
    const watch = setInterval(() => this.#watchMemory(), LOOK_MS)
    await ended
    clearInterval(watch)
    await Promise.race([drained, new Promise(resolve => setTimeout(resolve, DRAIN_MS).unref())])
    this.#ending.failure ||= readFailure(this.#files.failure)
    log.close()
  }

  /** Program and pipe. A named pipe, since programs reopen /dev/stdout, which sockets refuse. */
  #start(log: LogFile): { launcher: ChildProcess; drained: Promise<void> } {
    const { fifo, script, spec } = this.#files
    const made = spawnSync('mkfifo', ['-m', '600', fifo])
    if (made.status !== 0) throw new Error(`mkfifo ${fifo}: ${made.error ?? made.stderr}`)
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    const writer = openSync(fifo, 'w')
    const output = new Socket({ fd: reader, readable: true, writable: false })
    output.on('data', bytes => log.write(bytes))
    const drained = new Promise<void>(resolve => {
      output.once('close', () => resolve())
      output.once('error', () => resolve())
    })
    const parameters = ['-I', '-S', script, 'run', spec, String(process.pid)]
    this.#launcher = spawn(this.#launch.python, parameters, {
      stdio: ['ignore', writer, writer],
      detached: true,
    })
    closeSync(writer)
    return { launcher: this.#launcher, drained }
  }

  #stop(): void {
    if (this.#over || this.#ending.wish !== undefined) return
    const wish = readStop(this.#files) ?? { graceMs: 5000, lost: true }
    this.#ending.wish = wish
    if (this.#launcher === undefined) return
    this.#launcher.kill('SIGTERM')
    setTimeout(() => this.#end(), wish.graceMs).unref()
  }

  /** Again and again, since a signal can come before there is a program to kill. */
  #end(): void {
    if (this.#over) return
    this.#launcher?.kill('SIGUSR1')
    setTimeout(() => this.#end(), LOOK_MS).unref()
  }

  #watchMemory(): void {
    const limit = this.#launch.memoryBytes
    if (limit === undefined || this.#name === undefined || this.#ending.outOfMemory) return
    if ((usageOf(this.#name)?.memoryBytes ?? 0) <= limit) return
    if (ownMemoryOf(this.#name) <= limit) return
    this.#ending.outOfMemory = true
    this.#end()
  }

  #finish(exit: Exit): void {
    this.#relay?.close()
    writeDurably(this.#files.exit, exit)
    process.exit(0)
  }

  /** Something here is wrong: the program must not go on without anybody who watches it. */
  fail(error: Error): void {
    this.#launcher?.kill('SIGKILL')
    this.#ending.failure = `the supervisor failed: ${error.message}`
    this.#finish(exitOf(this.#ending, this.#startedAt, this.#files, this.#launch))
  }
}

function sayStarted(): void {
  try {
    writeSync(3, 'started\n')
    closeSync(3)
  } catch {
    // Whoever started this is gone; the next one adopts it.
  }
}

function readFailure(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const supervisor = new Supervisor(process.argv[2] ?? '.')
process.on('uncaughtException', error => supervisor.fail(error))
await supervisor.run()
