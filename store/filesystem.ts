/* The store in a folder: shelf.ts has its files, and beside them lies index.sqlite, the catalog, which
 * is only a cache of them. One process at a time may have the folder open; who locks it is the
 * server. */
import { join } from 'node:path'
import { diskFiles, type Files } from './disk/files.ts'
import { openDiskShelf } from './disk/shelf.ts'
import { openPackedStore } from './packed/store.ts'
import type { Store } from './store.ts'

/** Opens the store in this folder, or makes one: with this id if it is to be a copy of another. `files`
 * is for tests that let the disk fail. */
export async function openFilesystemStore(
  folder: string,
  files: Files = diskFiles,
  id?: string,
): Promise<Store> {
  const shelf = await openDiskShelf(folder, files)
  return openPackedStore({ shelf, catalog: join(folder, 'index.sqlite'), owner: '', id })
}
