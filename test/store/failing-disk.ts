import { basename } from 'node:path'
import { diskFiles, type Files } from '../../store/disk/files.ts'

/** The disk, with a log of what was done to it, on which any step can fail for want of room. */
export interface FailingDisk {
  readonly files: Files
  readonly log: string[]
  /** From the n-th step on there is no room: whatever needs some fails. A folder's sync needs none
   * and fails only if it is the n-th step itself; deleting never fails. */
  failAt(step: number): void
}

export function failingDisk(): FailingDisk {
  const log: string[] = []
  let left = Infinity
  const step = async (what: string, path: string, needsRoom = true) => {
    left--
    if (left < 0 && (needsRoom || left === -1)) {
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    }
    log.push(`${what} ${basename(path)}`)
  }
  const files: Files = {
    async remove(path) {
      log.push(`remove ${basename(path)}`)
      await diskFiles.remove(path)
    },
    async create(path) {
      await step('create', path)
      const file = await diskFiles.create(path)
      return {
        write: bytes => step('write', path).then(() => file.write(bytes)),
        sync: () => step('sync', path).then(() => file.sync()),
        close: () => file.close(),
      }
    },
    rename: (from, to) => step('rename', to).then(() => diskFiles.rename(from, to)),
    syncFolder: path => step('sync folder', path, false).then(() => diskFiles.syncFolder(path)),
  }
  return {
    files,
    log,
    failAt(n) {
      left = n - 1
    },
  }
}
