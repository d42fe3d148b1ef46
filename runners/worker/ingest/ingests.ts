/* The outcome of an ingestion: all files of a manifest, stored, or nothing. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type IngestWork, MANIFEST_FILE, type Progress } from '../../../api/attempts.ts'
import { isKaosError } from '../../../api/errors.ts'
import { type Manifest, type ManifestFile, parseManifest } from '../../../api/manifest.ts'
import { sendFolder } from '../../../api/transfer/send.ts'
import { sendFile } from '../../../api/transfer/send-file.ts'
import { emptyFolder } from '../../remove-folder.ts'
import type { Outcome, Work } from '../work.ts'
import { type Fetched, Fetcher, Unfetchable } from './fetch-file.ts'
import { openGuard } from './guard.ts'

const AT_ONCE = 4

/** The first file that did not come, and why. */
class Failed extends Error {}

export async function ingestOutcome(work: Work, order: IngestWork): Promise<Outcome> {
  const { folder, lease, log } = work
  const text = await readFile(join(await work.tree(order.manifest), MANIFEST_FILE), 'utf8')
  const manifest = parseManifest(text)
  // What an earlier life of the worker fetched may have holes: all of it is fetched anew.
  await emptyFolder(folder.out)
  const startedAt = new Date().toISOString()
  const ingestion = new Ingestion(work, order, manifest)
  lease.set({ phase: 'running', startedAt, progress: ingestion.progress })
  const end = (more: Pick<Outcome, 'state' | 'reason' | 'output' | 'fetched'>): Outcome => {
    const finishedAt = new Date().toISOString()
    return { ...more, startedAt, finishedAt, progress: ingestion.progress }
  }
  try {
    const fetched = await ingestion.run()
    lease.set({ phase: 'collecting', startedAt, progress: ingestion.progress })
    const listing = await sendListing(work, manifest, fetched)
    const options = { ignores: () => false, signal: lease.halted }
    const sent = await sendFolder(folder.out, work.channel, options)
    return end({ state: 'succeeded', output: sent.tree, fetched: listing })
  } catch (error) {
    const unfit = isKaosError(error, 'INVALID_BUNDLE')
    if (!(error instanceof Failed || unfit)) throw error
    const why = unfit ? `what was fetched cannot be kept: ${error.message}` : error.message
    log.line(why)
    return end({ state: 'failed', reason: why.slice(0, 4000) })
  }
}

class Ingestion {
  readonly #work: Work
  readonly #order: IngestWork
  readonly #files: readonly ManifestFile[]
  readonly #fetched: Fetched[] = []
  readonly #broken = new AbortController()
  #next = 0
  #failed = 0
  #done = 0
  #bytes = 0

  constructor(work: Work, order: IngestWork, { files }: Manifest) {
    this.#work = work
    this.#order = order
    this.#files = files
  }

  get progress(): Progress {
    const [done, failed, total] = [this.#done, this.#failed, this.#files.length]
    // The others are not tried once one has failed.
    const skipped = failed === 0 ? 0 : total - done - failed
    return { done, failed, skipped, total }
  }

  /** What came, in the manifest's order. */
  async run(): Promise<Fetched[]> {
    const { lease } = this.#work
    const fetcher = new Fetcher(openGuard(this.#order.allow))
    const late = AbortSignal.timeout(this.#order.limits.totalMs)
    const signal = AbortSignal.any([lease.halted, late, this.#broken.signal])
    try {
      const hands = Array.from({ length: AT_ONCE }, () => this.#fetchNext(fetcher, signal))
      const ends = await Promise.allSettled(hands)
      lease.halted.throwIfAborted()
      if (this.#broken.signal.aborted) throw this.#broken.signal.reason
      if (late.aborted) {
        const { done, total } = this.progress
        const ms = this.#order.limits.totalMs
        throw new Failed(`only ${done} of ${total} files were fetched in ${ms} ms`)
      }
      const lost = ends.find(end => end.status === 'rejected')
      if (lost) throw lost.reason
      return this.#fetched
    } finally {
      fetcher.close()
    }
  }

  async #fetchNext(fetcher: Fetcher, signal: AbortSignal): Promise<void> {
    const { folder, log, lease } = this.#work
    for (let at = this.#next++; at < this.#files.length; at = this.#next++) {
      signal.throwIfAborted()
      const file = this.#files[at] as ManifestFile
      const target = join(folder.out, file.path)
      try {
        await mkdir(dirname(target), { recursive: true })
        const count = (bytes: number) => this.#count(bytes)
        const { limits } = this.#order
        const fetched = await fetcher.fetch(file, target, { limits, signal, count })
        this.#fetched[at] = fetched
        this.#done++
        log.line(`fetched ${file.path} (${fetched.size} bytes) from ${file.url}`)
      } catch (error) {
        if (!signal.aborted) this.#broken.abort(this.#failureOf(file, error))
        throw error
      } finally {
        lease.tell(this.progress)
      }
    }
  }

  /** What ends the others: this file, or what is nobody's mistake and may be tried again. */
  #failureOf(file: ManifestFile, error: unknown): unknown {
    if (!(error instanceof Unfetchable)) return error
    this.#failed++
    return new Failed(`${file.url} (for ${file.path}) cannot be fetched: ${error.message}`)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    const most = this.#order.limits.totalBytes
    if (bytes > 0 && this.#bytes > most) {
      throw new Unfetchable(`all files together are larger than the ${most} bytes allowed`)
    }
  }
}

async function sendListing(
  { folder, channel, lease }: Work,
  { files }: Manifest,
  fetched: readonly Fetched[],
): Promise<{ digest: string; size: number }> {
  const path = join(folder.path, 'fetched.jsonl')
  const line = ({ url, path }: ManifestFile, at: number) =>
    `${JSON.stringify({ url, path, ...fetched[at] })}\n`
  await writeFile(path, files.map(line).join(''))
  return sendFile(path, channel, { signal: lease.halted })
}
