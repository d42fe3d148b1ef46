/* Rows for the plain drawing: a node's rank is one more than the highest of what points to it, and
 * what nothing points to stands just above the first thing that it points to. */
import type { DotGraph, DotNode } from './dot-reader.ts'

/** The nodes by rank, in the order in which they were named. Where nodes form a ring, the one met
 * first is taken as its beginning. */
export function ranksOf(graph: DotGraph): DotNode[][] {
  const targets = new Map<string, string[]>(graph.nodes.map(node => [node.id, []]))
  const sources = new Map(graph.nodes.map(node => [node.id, 0]))
  for (const { from, to } of graph.edges) {
    if (from === to) continue
    targets.get(from)!.push(to)
    sources.set(to, sources.get(to)! + 1)
  }
  const rankOf = longestPaths(targets, sources)
  for (const [id, count] of sources) {
    const below = targets.get(id)!.map(target => rankOf.get(target)!)
    if (count === 0 && below.length > 0) rankOf.set(id, lowest(below) - 1)
  }
  const ranks: DotNode[][] = []
  for (const node of graph.nodes) {
    const rank = rankOf.get(node.id)!
    ranks[rank] ??= []
    ranks[rank].push(node)
  }
  return Array.from(ranks, rank => rank ?? []).filter(rank => rank.length > 0)
}

function longestPaths(
  targets: ReadonlyMap<string, readonly string[]>,
  sources: ReadonlyMap<string, number>,
): Map<string, number> {
  const open = new Map(sources)
  const ready = [...open].filter(([, count]) => count === 0).map(([id]) => id)
  const rankOf = new Map<string, number>()
  for (let i = 0; open.size > 0; i++) {
    const id = ready[i] ?? open.keys().next().value!
    if (i >= ready.length) ready.push(id)
    if (!open.delete(id)) continue
    const rank = rankOf.get(id) ?? 0
    rankOf.set(id, rank)
    for (const target of targets.get(id)!) {
      const missing = open.get(target)
      if (missing === undefined) continue
      rankOf.set(target, Math.max(rankOf.get(target) ?? 0, rank + 1))
      open.set(target, missing - 1)
      if (missing === 1) ready.push(target)
    }
  }
  return rankOf
}

function lowest(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value))
}
