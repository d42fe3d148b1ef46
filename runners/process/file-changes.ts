/* Waiting for something to happen to files, which may not be there yet: the kernel tells of it at once.
 * Where it does not, or cannot, a look now and then finds it. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

export class FileChanges {
  readonly #watchers: FSWatcher[] = []
  #changed = false
  #wake: () => void = () => {}

  constructor(...files: readonly string[]) {
    for (const file of files) this.#watch(dirname(file), basename(file))
  }

  #watch(folder: string, file: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name !== null && name !== file) return
        this.#changed = true
        this.#wake()
      })
      watcher.on('error', () => watcher.close())
      this.#watchers.push(watcher)
    } catch {
      // No more watches for this user, or no such folder.
    }
  }

  /** Resolves when something has changed since the last time, after so many ms, or on abort. */
  next(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#changed || signal.aborted) {
      this.#changed = false
      // Others have their turn, however often something changes.
      return new Promise(resolve => setImmediate(resolve))
    }
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#changed = false
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      this.#wake = done
    })
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close()
  }
}
