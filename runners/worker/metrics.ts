/* Reads the metrics file of a training while the training writes it, and keeps what it says in the
 * journal of metrics. The file belongs to the program, which may put anything in its place at any
 * time: no link is followed, and nothing is waited for. */
import { existsSync } from 'node:fs'
import { constants, type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { METRICS_FILE } from '../../api/measurements.ts'
import { MetricLines } from './metric-lines.ts'
import { passed } from './sampling.ts'
import type { Work } from './work.ts'

const EVERY_MS = 500
/** Taken at a look: so much faster than this nobody is read. */
const PIECE = 256 * 1024
/** Of the file, in all. */
const FILE_MAX = 64 * 1024 * 1024

export interface Following {
  /** Reads what is left; answers what a user should know. Never rejects. */
  end(): Promise<string[]>
}

export function followMetrics(work: Work, output: string): Following {
  const over = new AbortController()
  const file = new MetricsFile(join(work.folder.out, output))
  const following = follow(work, file, over.signal)
  return {
    async end() {
      over.abort()
      const lines = await following
      const { complaint } = lines
      const all = complaint === undefined ? file.problems : [complaint, ...file.problems]
      return all.map(problem => `${METRICS_FILE}: ${problem}`)
    },
  }
}

async function follow(work: Work, file: MetricsFile, over: AbortSignal): Promise<MetricLines> {
  const lines = new MetricLines(await keptIn(work.folder.metrics))
  while (!over.aborted) {
    await passed(EVERY_MS, over)
    const piece = await file.next()
    work.metrics?.entry(...lines.read(piece, Date.now()))
  }
  // Of an attempt that is not ours any more nobody wants the rest.
  for (let more = !work.lease.quit.aborted; more; ) {
    const piece = await file.next()
    work.metrics?.entry(...lines.read(piece, Date.now()))
    more = piece.length > 0
  }
  if (!work.lease.quit.aborted) work.metrics?.entry(...lines.end(Date.now()))
  return lines
}

/** Points that an earlier life of the worker has kept. */
async function keptIn(path: string): Promise<number> {
  if (!existsSync(path)) return 0
  const bytes = await readFile(path)
  let count = 0
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++
  return count
}

class MetricsFile {
  readonly #folder: string
  #offset = 0
  readonly problems: string[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** What was appended, a piece of it; nothing where there is no such file (yet). */
  async next(): Promise<Uint8Array> {
    if (this.#offset >= FILE_MAX) return this.#full()
    const file = await openBelow(this.#folder, METRICS_FILE.split('/')).catch(() => undefined)
    if (file === undefined) return Buffer.alloc(0)
    try {
      const seen = await file.stat()
      const length = Math.min(PIECE, seen.size - this.#offset)
      if (!seen.isFile() || length <= 0) return Buffer.alloc(0)
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(length),
        0,
        length,
        this.#offset,
      )
      this.#offset += bytesRead
      return buffer.subarray(0, bytesRead)
    } catch {
      return Buffer.alloc(0)
    } finally {
      await file.close()
    }
  }

  #full(): Uint8Array {
    if (this.problems.length === 0) this.problems.push(`only ${FILE_MAX} bytes of it are read`)
    return Buffer.alloc(0)
  }
}

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants

/** Each part is opened below the one before it, so that no link is followed even if one is put there
 * meanwhile. Without /proc the parts are opened by name: there programs run as this user anyway. */
async function openBelow(folder: string, names: readonly string[]): Promise<FileHandle> {
  const held = await open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    const [name, ...rest] = names
    const inside = join(process.platform === 'linux' ? `/proc/self/fd/${held.fd}` : folder, name!)
    if (rest.length > 0) return await openBelow(inside, rest)
    return await open(inside, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } finally {
    await held.close()
  }
}
