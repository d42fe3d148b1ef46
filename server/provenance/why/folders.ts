/* How two folders differ: the texts of code line by line, data by files and bytes. */
import type { Digest } from '../../../api/digest.ts'
import { isKaosError } from '../../../api/errors.ts'
import type { CodeChange, FileChange, FolderDifference } from '../../../api/wire.ts'
import type { Store } from '../../../store/store.ts'
import { entryAt, readSmallFile } from '../../../store/trees.ts'
import { changesBetween } from '../../catalogue/diff.ts'
import { unifiedDiff } from './text-diff.ts'

type Source = Pick<Store, 'get'>

const CODE_FILES_MAX = 100
/** Of one file, and of all differences together. */
const TEXT_MAX = 256 * 1024
const DIFFS_MAX = 512 * 1024
const DATA_FILES_SHOWN = 100
/** Files of data that are counted. */
const DATA_FILES_MAX = 100_000

/** What is not here any more is not compared: `truncated`. */
export async function codeChanges(
  store: Store,
  a: Digest,
  b: Digest,
): Promise<{ files: CodeChange[]; truncated: boolean }> {
  const files: CodeChange[] = []
  const truncated = await readAsFarAs(() => addCode(files, store, a, b))
  return { files, truncated }
}

async function addCode(files: CodeChange[], store: Store, a: Digest, b: Digest): Promise<boolean> {
  let room = DIFFS_MAX
  for await (const change of changesBetween(store, a, b)) {
    if (files.length === CODE_FILES_MAX) return true
    const diff = await textDiff(store, a, b, change)
    const fits = diff !== null && diff.length <= room
    if (fits) room -= diff.length
    files.push({ ...change, diff: fits ? diff : null })
  }
  return false
}

/** Whether there was more than was read. */
async function readAsFarAs(read: () => Promise<boolean>): Promise<boolean> {
  try {
    return await read()
  } catch (error) {
    const gone = isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
    if (gone) return true
    throw error
  }
}

/** Null for what is no text, or too long for one. */
async function textDiff(
  store: Source,
  a: Digest,
  b: Digest,
  { path, before, after, change }: FileChange,
): Promise<string | null> {
  if (change === 'mode') return ''
  if ((before ?? 0) > TEXT_MAX || (after ?? 0) > TEXT_MAX) return null
  const [old, now] = [await textAt(store, a, path, before), await textAt(store, b, path, after)]
  if (old === null || now === null) return null
  const names = [
    before === null ? '/dev/null' : `a/${path}`,
    after === null ? '/dev/null' : `b/${path}`,
  ]
  return unifiedDiff(old, now, names as [string, string])
}

async function textAt(
  store: Source,
  tree: Digest,
  path: string,
  size: number | null,
): Promise<string | null> {
  if (size === null) return ''
  const entry = await entryAt(store, tree, path)
  if (!entry) return null
  const bytes = await readSmallFile(store, entry, TEXT_MAX)
  if (bytes.includes(0)) return null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

export async function folderDifference(
  store: Store,
  a: Digest,
  b: Digest,
): Promise<Omit<FolderDifference, 'role' | 'a' | 'b'>> {
  const none = () => ({ files: 0, bytes: 0 })
  const all = { added: none(), removed: none(), changed: none() }
  const files: FileChange[] = []
  const truncated = await readAsFarAs(async () => {
    let counted = 0
    for await (const change of changesBetween(store, a, b)) {
      if (counted++ === DATA_FILES_MAX) return true
      if (files.length < DATA_FILES_SHOWN) files.push(change)
      const amount = all[change.change === 'mode' ? 'changed' : change.change]
      amount.files++
      amount.bytes += change.after ?? change.before ?? 0
    }
    return false
  })
  return { ...all, files, truncated }
}
