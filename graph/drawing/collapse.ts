/* A graph of any size as few boxes: what plays the same part is one box with a count.
 *
 * Two things play the same part when they are of one kind and their neighbours, above and below, play
 * the same parts (the coarsest such grouping: bisimulation, found by refining kinds round by round).
 * So the hundred trials of a grid become one box, and the one whose model is served stays apart. Where
 * that leaves too many boxes, things of one kind at the same distance are one. What is further away
 * than a bound is one box that says how much it is. */
import type { Edge, Graph, Node } from '../ledger.ts'

export interface Box {
  readonly id: string
  /** One of those it stands for. */
  readonly node: Node
  readonly count: number
}

/** From what was there first to what came of it. */
export interface Arrow {
  readonly from: string
  readonly to: string
}

export interface Picture {
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  /** Things too far away to be drawn, and boxes they would follow or precede. */
  readonly beyond: { readonly count: number; readonly next: readonly string[] }
}

/** More boxes than this are no picture. */
const BOXES_MAX = 40
/** Steps from the start that are drawn: the first that needs few boxes enough. */
const LAYERS = [12, 9, 6]
/** They say who and how, not what of what. */
const NOT_DRAWN = new Set([
  ...['log', 'measurements', 'metrics', 'workspace', 'description'],
  ...['user', 'robot', 'worker', 'system'],
])
const ROUNDS_MAX = 64

/** `start` stays a box of its own; the graph is what lies this way from it. */
export function collapsed(graph: Graph, start: string, direction: 'up' | 'down'): Picture {
  const whole = withoutDetours(graph, start)
  const near = nearOf(whole, start, direction)
  const plain = {
    nodes: new Map([...whole.nodes].filter(([id]) => near.has(id))),
    edges: whole.edges.filter(([later, earlier]) => near.has(later) && near.has(earlier)),
  }
  const parts = alike(plain, start)
  for (const layers of LAYERS) {
    const drawn = picture(plain, start, parts, near, layers)
    if (drawn.boxes.length <= BOXES_MAX) return drawn
  }
  // Between things at one distance there are arrows both ways: only those outwards tell something.
  const outwards = plain.edges.filter(([later, earlier]) => {
    const [from, to] = direction === 'up' ? [later, earlier] : [earlier, later]
    return (near.get(from) ?? 0) < (near.get(to) ?? 0)
  })
  const rough = { nodes: plain.nodes, edges: outwards }
  return picture(rough, start, byDistance(plain, start, near), near, LAYERS[0]!)
}

interface Plain {
  readonly nodes: ReadonlyMap<string, Node>
  /** Each pair once: later, earlier. */
  readonly edges: readonly (readonly [string, string])[]
}

/** Without what is not drawn, and without edges that only repeat what others say: an image derives
 * from the code that its build used; a trial is told of by its job. */
function withoutDetours({ nodes, edges }: Graph, start: string): Plain {
  const drawn = new Map(nodes.filter(one => !NOT_DRAWN.has(one.kind)).map(one => [one.id, one]))
  for (const job of jobsOfTrials(drawn, edges)) if (job !== start) drawn.delete(job)
  const inside = edges.filter(({ from, to }) => drawn.has(from) && drawn.has(to))
  const direct = new Set<string>()
  for (const { from, to, relation } of inside) {
    if (relation !== 'wasDerivedFrom' && relation !== 'wasInformedBy') direct.add(`${from} ${to}`)
  }
  const through = waysOfTwo(inside)
  const pairs = new Map<string, readonly [string, string]>()
  for (const { from, to } of inside) {
    const key = `${from} ${to}`
    if (direct.has(key) || !through.has(key)) pairs.set(key, [from, to])
  }
  return { nodes: drawn, edges: [...pairs.values()] }
}

/** Not those that came from one another: of that their trials tell nothing. */
function jobsOfTrials(nodes: ReadonlyMap<string, Node>, edges: readonly Edge[]): string[] {
  const told = (kind: string) =>
    edges.filter(({ from, to, relation }) => {
      const job = relation === 'wasInformedBy' && nodes.get(to)?.kind === 'train'
      return job && nodes.get(from)?.kind === kind
    })
  const branches = new Set(told('train').flatMap(({ from, to }) => [from, to]))
  return told('trial').flatMap(({ to }) => (branches.has(to) ? [] : [to]))
}

/** Pairs with one thing between them. Of a thing with very many neighbours on both sides not all. */
function waysOfTwo(edges: readonly Edge[]): Set<string> {
  const carrying = edges.filter(({ relation }) => relation !== 'wasDerivedFrom')
  const earlier = Map.groupBy(carrying, edge => edge.from)
  const short = edges.filter(
    ({ relation }) => relation === 'wasDerivedFrom' || relation === 'wasInformedBy',
  )
  const ways = new Set<string>()
  for (const { from, to } of short) {
    const between = (earlier.get(from) ?? []).some(step =>
      (earlier.get(step.to) ?? []).some(next => next.to === to),
    )
    if (between) ways.add(`${from} ${to}`)
  }
  return ways
}

type Parts = ReadonlyMap<string, number>

function alike({ nodes, edges }: Plain, start: string): Parts {
  const neighbours = new Map<string, string[][]>([...nodes.keys()].map(id => [id, [[], []]]))
  for (const [later, earlier] of edges) {
    neighbours.get(later)![0]!.push(earlier)
    neighbours.get(earlier)![1]!.push(later)
  }
  let parts = numbered(nodes.keys(), id => firstLook(nodes.get(id)!, start))
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const known = parts
    const seen = (ids: readonly string[]) => [...new Set(ids.map(id => known.get(id)!))].sort()
    const next = numbered(nodes.keys(), id => {
      const [up = [], down = []] = neighbours.get(id)!
      return `${known.get(id)} ${seen(up)} / ${seen(down)}`
    })
    if (new Set(next.values()).size === new Set(known.values()).size) break
    parts = next
  }
  return parts
}

function firstLook({ id, kind, attributes }: Node, start: string): string {
  return id === start ? 'start' : `${kind} ${String(attributes.state ?? '')}`
}

function byDistance({ nodes }: Plain, start: string, near: ReadonlyMap<string, number>): Parts {
  return numbered(nodes.keys(), id => `${near.get(id)} ${firstLook(nodes.get(id)!, start)}`)
}

function numbered(ids: Iterable<string>, look: (id: string) => string): Map<string, number> {
  const numbers = new Map<string, number>()
  const parts = new Map<string, number>()
  for (const id of ids) {
    const text = look(id)
    if (!numbers.has(text)) numbers.set(text, numbers.size)
    parts.set(id, numbers.get(text)!)
  }
  return parts
}

/** Steps from the start. */
function nearOf({ edges }: Plain, start: string, direction: 'up' | 'down'): Map<string, number> {
  const next = new Map<string, string[]>()
  for (const [later, earlier] of edges) {
    const [from, to] = direction === 'up' ? [later, earlier] : [earlier, later]
    const ends = next.get(from)
    if (ends) ends.push(to)
    else next.set(from, [to])
  }
  const near = new Map([[start, 0]])
  for (const [id, steps] of near) {
    for (const end of next.get(id) ?? []) if (!near.has(end)) near.set(end, steps + 1)
  }
  return near
}

function picture(
  { nodes, edges }: Plain,
  start: string,
  parts: Parts,
  near: ReadonlyMap<string, number>,
  layers: number,
): Picture {
  const boxes = new Map<number, { id: string; node: Node; count: number; steps: number }>()
  const boxOf = (id: string) => boxes.get(parts.get(id)!)!
  for (const [id, node] of nodes) {
    const part = parts.get(id)!
    const steps = near.get(id) ?? Number.POSITIVE_INFINITY
    const box = boxes.get(part)
    if (!box) boxes.set(part, { id, node, count: 1, steps })
    else boxes.set(part, { ...box, count: box.count + 1, steps: Math.min(box.steps, steps) })
  }
  const isDrawn = (id: string) => boxOf(id).steps <= layers || id === start
  const arrows = new Map<string, Arrow>()
  const next = new Set<string>()
  for (const [later, earlier] of edges) {
    const [from, to] = [boxOf(earlier).id, boxOf(later).id]
    if (isDrawn(later) && isDrawn(earlier)) {
      if (from !== to) arrows.set(`${from} ${to}`, { from, to })
    } else if (isDrawn(later)) next.add(to)
    else if (isDrawn(earlier)) next.add(from)
  }
  const drawn = [...boxes.values()].filter(box => isDrawn(box.id))
  const count = nodes.size - drawn.reduce((sum, box) => sum + box.count, 0)
  return { boxes: drawn, arrows: [...arrows.values()], beyond: { count, next: [...next] } }
}
