/* B6: a version of a data set on the server's own host, laid out by the worker's cache, which has the
 * version before it; against a copy of the same files. */
import { createReadStream, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../api/digest.ts'
import { Trees } from '../runners/worker/trees.ts'
import { openFilesystemStore } from '../store/filesystem.ts'
import type { Store } from '../store/store.ts'
import { folderFrames, graft, type Item, partFrames, putBytes, putFolder } from '../store/trees.ts'
import { cost } from './costs.ts'
import { filesIn, type Made, sumOf } from './making.ts'

export interface LocalCheckout {
  readonly round: number
  readonly copyMs: number
  readonly oursMs: number
  readonly oursCpuMs: number
}

export async function localCheckouts(
  set: Made,
  folder: string,
  rounds: number,
): Promise<LocalCheckout[]> {
  const store = await openFilesystemStore(join(folder, 'store'))
  const trees = new Trees(join(folder, 'cache'), {
    mostBytes: Number.POSITIVE_INFINITY,
    inUse: () => new Set(),
    areProtected: async () => true,
  })
  await trees.tidy(new Set())
  const source = {
    folders: (tree: Digest) => folderFrames(store, tree),
    parts: (tree: Digest, wanted: readonly Digest[]) => partFrames(store, tree, new Set(wanted)),
  }
  const take = (tree: Digest) => trees.folderOf(tree, source, new AbortController().signal)
  const done: LocalCheckout[] = []
  try {
    let { digest: tree } = await putFolder(store, itemsIn(set.folder))
    await take(tree)
    for (let round = 1; round <= rounds; round++) {
      const target = join(folder, 'copy')
      const copy = await cost('cp', ['-r', set.folder, target])
      rmSync(target, { recursive: true })
      tree = await nextVersion(store, tree, round)
      const before = process.cpuUsage()
      const start = performance.now()
      const laid = await take(tree)
      const oursMs = performance.now() - start
      const { user, system } = process.cpuUsage(before)
      requireWhole(laid, set, round)
      done.push({ round, copyMs: copy.wallMs, oursMs, oursCpuMs: (user + system) / 1000 })
    }
  } finally {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
  }
  return done
}

function* itemsIn(folder: string): Generator<Item> {
  for (const path of filesIn(folder)) yield { path, content: createReadStream(join(folder, path)) }
}

/** One new file, so that no cache has the tree already. */
async function nextVersion(store: Store, tree: Digest, round: number): Promise<Digest> {
  const bytes = Buffer.alloc(20_000, round)
  const { digest, size } = await putBytes(store, bytes)
  return graft(store, tree, [], [{ name: `round-${round}`, kind: 'file', size, digest }])
}

function requireWhole(laid: string, set: Made, rounds: number): void {
  const extra = readdirSync(laid).filter(name => name.startsWith('round-'))
  const without = sumOf(laid, path => !path.startsWith('round-'))
  if (extra.length === rounds && without === set.sha256) return
  throw new Error('the cache laid out other files than the tree has')
}
