/* Keeps `dir/log` up with what a pod's program prints, and only ever appends to it.
 *
 * Nodes throw old parts of a log away (10 MiB by default), so it cannot always be read from its start
 * again. A cursor says how far the file is; after a restart, or when the line was cut, the log is read
 * from the cursor's time on, and what the file already holds of that is skipped. */
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { KaosError } from '../../api/errors.ts'
import { diskFailure, type Growing } from '../read-log.ts'
import { readRecord, writeRecord } from '../records.ts'
import type { Place } from '../runner.ts'
import { type Cluster, isGone, pause } from './cluster.ts'
import { LogLines } from './lines.ts'
import { PROGRAM } from './pod.ts'

const RETRY_MS = 500
const CURSOR_MS = 500

/** A pod whose program has run, by name; `ended`: it will print nothing more. Undefined: it is gone. */
export type Look = () => { readonly pod: string; readonly ended: boolean } | undefined

export class LogPump implements Growing {
  readonly #cluster: Cluster
  readonly #namespace: string
  readonly #place: Place
  readonly #look: Look
  readonly #halt = new AbortController()
  readonly #done: Promise<void>
  readonly #waiting = new Set<() => void>()
  #failure: KaosError | undefined
  #ended = false
  #growth = 0
  #marked = 0

  constructor(cluster: Cluster, namespace: string, place: Place, look: Look) {
    this.#cluster = cluster
    this.#namespace = namespace
    this.#place = place
    this.#look = look
    const stop = () => this.#halt.abort()
    cluster.closed.addEventListener('abort', stop)
    this.#done = this.#run().finally(() => {
      cluster.closed.removeEventListener('abort', stop)
      this.#ended = true
      this.#tell()
    })
    this.#done.catch(() => {})
  }

  get ended(): boolean {
    return this.#ended
  }

  get failure(): KaosError | undefined {
    return this.#failure
  }

  get growth(): number {
    return this.#growth
  }

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
    this.#halt.abort()
    await this.#done.catch(() => {})
  }

  #tell(): void {
    this.#growth++
    for (const told of this.#waiting) told()
  }

  async #run(): Promise<void> {
    const { signal } = this.#halt
    if ((await readRecord(this.#place, 'log')) !== undefined) return
    while (!signal.aborted) {
      const seen = this.#look()
      try {
        // What had ended before the log was read through is read to its end.
        if (seen === undefined) return
        if ((await this.#pass(seen.pod, !seen.ended)) || seen.ended) {
          return await writeRecord(this.#place, 'log', { complete: true })
        }
      } catch (error) {
        this.#failure = diskFailure(error, this.#place)
        if (this.#failure !== undefined) return
        if (isGone(error) && seen?.ended) return
      }
      await pause(RETRY_MS, signal)
    }
  }

  /** Reads on from the cursor; whether the log is as long as it may be. */
  async #pass(pod: string, follow: boolean): Promise<boolean> {
    const cursor = await readRecord(this.#place, 'cursor')
    const path = `/api/v1/namespaces/${this.#namespace}/pods/${pod}/log`
    // The server knows whole seconds only; the lines before the cursor are skipped.
    const since = cursor?.time ? { sinceTime: `${cursor.time.slice(0, 19)}Z` } : {}
    const query = { container: PROGRAM, timestamps: 'true', follow: String(follow), ...since }
    const stream = await this.#cluster.read(path, query, this.#halt.signal)
    await mkdir(this.#place.dir, { recursive: true })
    const file = await open(join(this.#place.dir, 'log'), 'a')
    try {
      const lines = new LogLines(cursor)
      let skip = (await file.stat()).size - (cursor?.size ?? 0)
      const append = async (bytes: Buffer) => {
        const fresh = bytes.subarray(Math.min(Math.max(0, skip), bytes.length))
        skip -= bytes.length - fresh.length
        await this.#append(file, fresh, lines)
      }
      for await (const piece of stream) {
        await append(lines.take(piece as Buffer))
        if (lines.full) return true
      }
      if (!follow) await append(lines.flush())
      await this.#mark(lines)
      return false
    } finally {
      stream.destroy()
      await file.close()
    }
  }

  async #append(file: FileHandle, bytes: Buffer, lines: LogLines): Promise<void> {
    if (bytes.length === 0) return
    await file.appendFile(bytes)
    this.#tell()
    if (Date.now() - this.#marked >= CURSOR_MS) await this.#mark(lines)
  }

  async #mark(lines: LogLines): Promise<void> {
    this.#marked = Date.now()
    await writeRecord(this.#place, 'cursor', lines.cursor)
  }
}
