/* What differs between two folders, by content: both trees are walked side by side in the order of
 * names, and what is equal is never opened, however large. A page ends with the path of its last
 * change, and the next one goes on after it. */
import type { Digest } from '../../api/digest.ts'
import type { Entry } from '../../api/tree.ts'
import type { FileChange } from '../../api/wire.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf } from '../../store/trees.ts'

/** Files that were added, removed or changed, in the order of trees. `after`: only those that come
 * after this path. */
export function changesBetween(
  store: Store,
  before: Digest,
  after: Digest,
  from?: string,
): AsyncGenerator<FileChange> {
  return new Walk(store).folders('', before, after, from?.split('/') ?? [])
}

class Walk {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  async *folders(
    path: string,
    before: Digest | undefined,
    after: Digest | undefined,
    from: readonly string[],
  ): AsyncGenerator<FileChange> {
    if (before === after) return
    const [first, ...rest] = from
    for await (const [old, now] of this.#pairs(before, after)) {
      const name = (old ?? now)!.name
      const order = first === undefined ? 1 : compareNames(name, first)
      if (order < 0) continue
      yield* this.#entry(path + name, old, now, order === 0 ? rest : undefined)
    }
  }

  /** `from`: this entry was reached before; of what lies in it only what comes after that is told. */
  async *#entry(
    path: string,
    old: Entry | undefined,
    now: Entry | undefined,
    from: readonly string[] | undefined,
  ): AsyncGenerator<FileChange> {
    if (old?.digest === now?.digest && old?.kind === now?.kind) return
    const [oldFile, nowFile] = [fileOf(old), fileOf(now)]
    const change = from === undefined ? changeOf(path, oldFile, nowFile) : undefined
    if (change) yield change
    const [oldFolder, nowFolder] = [folderOf(old), folderOf(now)]
    if (oldFolder ?? nowFolder) yield* this.folders(`${path}/`, oldFolder, nowFolder, from ?? [])
  }

  /** The entries of both, those of one name together, in the order of names. */
  async *#pairs(before: Digest | undefined, after: Digest | undefined) {
    const old = before === undefined ? [] : await entriesOf(this.#store, before)
    const now = after === undefined ? [] : await entriesOf(this.#store, after)
    for (let i = 0, j = 0; i < old.length || j < now.length; ) {
      const [a, b] = [old[i], now[j]]
      const order = a && b ? compareNames(a.name, b.name) : a ? -1 : 1
      if (order <= 0) i++
      if (order >= 0) j++
      yield [order <= 0 ? a : undefined, order >= 0 ? b : undefined] as const
    }
  }
}

function fileOf(entry: Entry | undefined): Entry | undefined {
  return entry?.kind === 'folder' ? undefined : entry
}

function folderOf(entry: Entry | undefined): Digest | undefined {
  return entry?.kind === 'folder' ? entry.digest : undefined
}

function changeOf(
  path: string,
  old: Entry | undefined,
  now: Entry | undefined,
): FileChange | undefined {
  if (!old && !now) return undefined
  const sizes = { path, before: old?.size ?? null, after: now?.size ?? null }
  if (!old) return { ...sizes, change: 'added' }
  if (!now) return { ...sizes, change: 'removed' }
  return { ...sizes, change: old.digest === now.digest ? 'mode' : 'changed' }
}

/** By their UTF-8 bytes, as trees are. */
function compareNames(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b))
}
