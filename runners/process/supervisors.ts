/* Starts supervisors: each is a fork of one Python process that has read the script. Reading it costs
 * more than all else that the supervisor of a short trial does. That process ends with the worker, and
 * the supervisors go on; without it, the next start begins another. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { getCompileCacheDir } from 'node:module'
import type { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { newId } from '../../api/ids.ts'
import type { LaunchSpec } from './launch-script.ts'
import type { Launch } from './place-files.ts'
import { SUPERVISE_SCRIPT } from './supervise-script.ts'
import { SYSTEM_PATH } from './venvs.ts'

interface Options {
  /** Interpreter, with its standard library alone. */
  readonly python: string
  /** Folder for the script. */
  readonly folder: string
}

/** One start. */
export interface Order {
  /** Unlike that of any other start. */
  readonly id: string
  readonly launch: Omit<Launch, 'environment'>
  readonly spec: LaunchSpec
}

/** Whether the program runs; otherwise its supervisor has ended. */
export interface Started {
  readonly runs: boolean
  /** Why it ended, where it could not write that down. */
  readonly failure?: string
}

export class Supervisors {
  readonly #options: Options
  #forking: Promise<Forking> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  async start(order: Order): Promise<Started> {
    return (await this.#forker()).start(order)
  }

  #forker(): Promise<Forking> {
    if (this.#forking !== undefined) return this.#forking
    const forget = () => (this.#forking = undefined)
    this.#forking = begin(this.#options).then(forking => {
      forking.once('over', forget)
      return forking
    })
    this.#forking.catch(forget)
    return this.#forking
  }

  async close(): Promise<void> {
    const forking = await this.#forking?.catch(() => undefined)
    forking?.end()
  }
}

async function begin({ python, folder }: Options): Promise<Forking> {
  const hash = createHash('sha256').update(SUPERVISE_SCRIPT).digest('hex')
  const script = join(folder, `supervise-${hash.slice(0, 12)}.py`)
  const temporary = `${script}.${newId()}`
  await writeFile(temporary, SUPERVISE_SCRIPT, { mode: 0o600 })
  await rename(temporary, script)
  // What the worker compiled, the relay of a service need not compile again.
  const compiled = getCompileCacheDir()
  const child = spawn(python, ['-I', '-S', script], {
    cwd: '/',
    detached: true,
    env: { PATH: SYSTEM_PATH, ...(compiled && { NODE_COMPILE_CACHE: dirname(compiled) }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  return new Forking(child)
}

/** One process that forks supervisors. It says of each that its program runs, and that it has ended.
 * Emits `over` when it can start no more. */
class Forking extends EventEmitter<{ over: [] }> {
  readonly #asked: Socket
  readonly #told: Socket
  readonly #waiting = new Map<string, (started: Started) => void>()

  constructor(child: ChildProcess) {
    super()
    this.#asked = child.stdin as Socket
    this.#told = child.stdout as Socket
    this.#asked.on('error', () => this.emit('over'))
    child.once('exit', () => this.emit('over'))
    const lines = createInterface({ input: this.#told })
    lines.on('line', line => {
      const { id, ...started } = JSON.parse(line) as { id: string } & Started
      this.#settle(id, started)
    })
    // Supervisors whose program does not run yet hold it open: nothing more can be told afterwards.
    lines.once('close', () => {
      for (const id of [...this.#waiting.keys()]) this.#settle(id, { runs: false })
    })
    child.unref()
    this.#asked.unref()
    this.#told.unref()
  }

  start(order: Order): Promise<Started> {
    const { promise, resolve } = Promise.withResolvers<Started>()
    if (this.#told.readableEnded) return Promise.resolve({ runs: false })
    this.#waiting.set(order.id, resolve)
    this.#told.ref()
    this.#asked.write(`${JSON.stringify(order)}\n`)
    return promise
  }

  end(): void {
    this.#asked.end()
  }

  #settle(id: string, started: Started): void {
    const resolve = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#told.unref()
    resolve?.(started)
  }
}
