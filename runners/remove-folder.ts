/** Removes a folder, also one in which a program took its own right to write away. */
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EACCES' && code !== 'EPERM' && code !== 'ENOTEMPTY') throw error
    await allow(path)
    await rm(path, { recursive: true, force: true })
  }
}

async function allow(folder: string): Promise<void> {
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await allow(join(folder, entry.name))
  }
}
