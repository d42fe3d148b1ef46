/* Keeps `dir/log` up with what a container prints, and only ever appends to it.
 *
 * After a restart, or when the engine went away, the engine's log is read again from its start and
 * the bytes that the file already holds are skipped: that is exact because the stamps come from the
 * engine (stamps.ts) and the engine keeps more than LOG_MAX (sandbox.ts). */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { KaosError } from '../../api/errors.ts'
import { diskFailure, type Growing } from '../read-log.ts'
import { readRecord, writeRecord } from '../records.ts'
import type { Place } from '../runner.ts'
import { type Engine, isGone, pause } from './engine.ts'
import { LogStamps } from './stamps.ts'

const RETRY_MS = 500
const OUTPUT = { stdout: true, stderr: true, timestamps: true } as const

export class LogPump implements Growing {
  readonly #engine: Engine
  readonly #place: Place
  readonly #container: string
  readonly #halt = new AbortController()
  readonly #done: Promise<void>
  readonly #waiting = new Set<() => void>()
  #failure: KaosError | undefined
  #ended = false
  #growth = 0

  constructor(engine: Engine, place: Place, container: string) {
    this.#engine = engine
    this.#place = place
    this.#container = container
    engine.closed.addEventListener('abort', this.#stop)
    this.#done = this.#run().finally(() => {
      engine.closed.removeEventListener('abort', this.#stop)
      this.#ended = true
      this.#tell()
    })
    this.#done.catch(() => {})
  }

  /** Whether nothing more will be written. */
  get ended(): boolean {
    return this.#ended
  }

  /** Why the log could not be kept; undefined while all is well. */
  get failure(): KaosError | undefined {
    return this.#failure
  }

  /** Changes whenever the file has grown. */
  get growth(): number {
    return this.#growth
  }

  /** Resolves when the file may have grown, the pump has ended or the signal says so. */
  async change(signal: AbortSignal): Promise<void> {
    if (this.#ended || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const told = () => resolve()
    this.#waiting.add(told)
    signal.addEventListener('abort', told)
    await promise
    this.#waiting.delete(told)
    signal.removeEventListener('abort', told)
  }

  /** Stops writing; resolves when it has. */
  async halt(): Promise<void> {
    this.#stop()
    await this.#done.catch(() => {})
  }

  readonly #stop = () => this.#halt.abort()

  #tell(): void {
    this.#growth++
    for (const told of this.#waiting) told()
  }

  async #run(): Promise<void> {
    const { signal } = this.#halt
    if ((await readRecord(this.#place, 'log')) !== undefined) return
    while (!signal.aborted) {
      try {
        if (await this.#pass()) return await writeRecord(this.#place, 'log', { complete: true })
      } catch (error) {
        if (isGone(error)) return
        this.#failure = diskFailure(error, this.#place)
        if (this.#failure !== undefined) return
      }
      await pause(RETRY_MS, signal)
    }
  }

  /** Reads the engine's log once, following it; whether it was read to its end. */
  async #pass(): Promise<boolean> {
    const container = this.#engine.docker.getContainer(this.#container)
    const stamps = new LogStamps()
    await mkdir(this.#place.dir, { recursive: true })
    const file = await open(join(this.#place.dir, 'log'), 'a')
    try {
      let skip = (await file.stat()).size
      const append = async (bytes: Buffer) => {
        const fresh = bytes.subarray(Math.min(skip, bytes.length))
        skip -= bytes.length - fresh.length
        if (fresh.length > 0) await file.appendFile(fresh)
        if (fresh.length > 0) this.#tell()
      }
      const stream = await this.#follow()
      try {
        for await (const piece of stream) {
          await append(stamps.take(piece as Buffer))
          if (stamps.full) return true
        }
      } finally {
        stream.destroy()
      }
      const { State } = await container.inspect()
      if (State.Running || (await this.#lastTime()) !== stamps.last) return false
      await append(stamps.flush())
      return true
    } finally {
      await file.close()
    }
  }

  async #follow(): Promise<Readable> {
    const options = { ...OUTPUT, follow: true as const, abortSignal: this.#halt.signal }
    const container = this.#engine.docker.getContainer(this.#container)
    return (await container.logs(options)) as Readable
  }

  /** The engine's time of the very last entry: a followed log may end before it was read out. */
  async #lastTime(): Promise<string> {
    const container = this.#engine.docker.getContainer(this.#container)
    const tail = await container.logs({ ...OUTPUT, follow: false, tail: 1 })
    const last = new LogStamps()
    last.take(tail)
    return last.last
  }
}
