/* What a folder has of quarantined content: all of it somewhere inside, or most of its files. The first
 * is the same bytes in a larger box; the second may be a copy that somebody has changed a little, and
 * is only told. */
import type { Digest } from '../../api/digest.ts'
import { DigestMap, DigestSet } from '../../api/digest-set.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { Mark, Marks } from './marks.ts'
import { type Source, treeOf } from './trees.ts'

/** Part of the bytes that makes it a near match. */
const NEAR = 0.8
/** A copy of little of it (a licence that both have) is none. */
const LITTLE = 0.1
/** Files of a quarantined folder that are compared, and all that are kept in memory. */
const FILES_MAX = 200_000
const KEPT_MAX = 500_000

export interface Near {
  readonly mark: Mark
  /** The quarantined entity. */
  readonly entity: Node
  /** Of its bytes, or of those of the copy: the larger part. */
  readonly share: number
}

export interface Findings {
  /** Lies in it, whole. */
  readonly contained: Mark | undefined
  /** The most alike first. */
  readonly near: readonly Near[]
}

/** Files of a quarantined folder by digest, with their sizes. */
interface Sketch {
  readonly files: DigestMap
  readonly bytes: number
}

const sketches = new WeakMap<Source, Map<Digest, Sketch>>()
const FOLDERS = new Set(['data', 'source', 'model'])

export function isFolder(node: Node): node is Node & { readonly digest: Digest } {
  return FOLDERS.has(node.kind) && node.digest !== undefined
}

export async function lookInto(
  { store, ledger }: { store: Source; ledger: Ledger },
  folder: Digest,
  marks: Marks,
): Promise<Findings> {
  const others = await comparedWith(store, ledger, marks)
  let bytes = 0
  let contained: Mark | undefined
  try {
    for await (const { entry } of treeOf(store, folder)) {
      if (entry.size > 0) contained ??= marks.get(entry.digest)
      if (entry.kind === 'folder') continue
      bytes += entry.size
      for (const other of others) other.meet(entry.digest)
    }
  } catch (error) {
    // What is not here, whole, is told where it is to be used.
    if (!isGone(error)) throw error
  }
  const near = others.flatMap(other => other.result(bytes) ?? [])
  return { contained, near: near.sort((a, b) => b.share - a.share) }
}

interface Comparison {
  meet(file: Digest): void
  result(bytes: number): Near | undefined
}

async function comparedWith(store: Source, ledger: Ledger, marks: Marks): Promise<Comparison[]> {
  const all: Comparison[] = []
  for (const mark of marks.values()) {
    const entity = mark.entity === undefined ? undefined : await ledger.node(mark.entity)
    if (!entity || !isFolder(entity) || entity.digest !== mark.digest) continue
    const sketch = await sketchOf(store, mark.digest)
    if (sketch && sketch.bytes > 0) all.push(comparison(mark, entity, sketch))
  }
  return all
}

function comparison(mark: Mark, entity: Node, { files, bytes: whole }: Sketch): Comparison {
  const met = new DigestSet()
  let shared = 0
  return {
    meet(file) {
      const size = files.get(file)
      if (size === undefined || met.has(file)) return
      met.add(file)
      shared += size
    },
    result(bytes) {
      const share = Math.max(shared / whole, bytes === 0 ? 0 : Math.min(1, shared / bytes))
      const counts = share >= NEAR && shared / whole >= LITTLE
      return counts ? { mark, entity, share } : undefined
    },
  }
}

async function sketchOf(store: Source, tree: Digest): Promise<Sketch | undefined> {
  const known = sketches.get(store) ?? new Map<Digest, Sketch>()
  sketches.set(store, known)
  const found = known.get(tree) ?? (await newSketch(store, tree))
  if (!found) return undefined
  known.delete(tree)
  known.set(tree, found)
  let kept = 0
  for (const [digest, { files }] of [...known].reverse()) {
    kept += files.size
    if (kept > KEPT_MAX && digest !== tree) known.delete(digest)
  }
  return found
}

async function newSketch(store: Source, tree: Digest): Promise<Sketch | undefined> {
  const files = new DigestMap()
  let bytes = 0
  try {
    for await (const { entry } of treeOf(store, tree)) {
      if (entry.kind === 'folder' || entry.size === 0 || files.has(entry.digest)) continue
      if (files.size === FILES_MAX) break
      files.set(entry.digest, entry.size)
      bytes += entry.size
    }
  } catch (error) {
    // It was purged: there is nothing to compare with.
    if (isGone(error)) return undefined
    throw error
  }
  return { files, bytes }
}

function isGone(error: unknown): boolean {
  return isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')
}
