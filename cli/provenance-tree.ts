/* A part of the graph as a tree of lines: each thing once, with what it was made of (or what was made
 * of it) below it; where it comes up again, only its name. */
import type { ProvEdge, ProvenanceView, ProvNode } from '../api/wire.ts'
import { localTime } from './times.ts'

/** They say who, which stands beside each thing. */
const AGENTS = new Set(['wasAttributedTo', 'wasAssociatedWith'])
/** What people look for first. */
const ORDER = ['trial', 'image', 'build', 'source', 'data', 'hyperparams', 'model', 'environment']
/** Shown by their id. */
const JOBS = new Set(['train', 'replay', 'build'])
const METRICS_SHOWN = 3
const SUCCESS = 'JOB_SUCCESS'

interface Branch {
  readonly node: ProvNode
  readonly role: string | null
}

/** `fan`: of many alike below one thing, so many are shown. */
export function treeLines(view: ProvenanceView, fan: number): string[] {
  const drawing = new Drawing(view, fan)
  return drawing.lines(view.of)
}

class Drawing {
  readonly #nodes: ReadonlyMap<string, ProvNode>
  readonly #below: ReadonlyMap<string, Branch[]>
  readonly #fan: number
  readonly #seen = new Set<string>()
  readonly #lines: string[] = []

  constructor({ nodes, edges, direction }: ProvenanceView, fan: number) {
    const known = nodes.filter(node => node.class !== 'agent')
    this.#nodes = new Map(known.map(node => [node.id, node]))
    this.#below = branchesOf(edges, this.#nodes, direction)
    this.#fan = fan
  }

  lines(start: string): string[] {
    const node = this.#nodes.get(start)
    if (!node) return []
    this.#seen.add(start)
    this.#lines.push(lineOf(node, null))
    this.#draw(start, '')
    return this.#lines
  }

  #draw(id: string, indent: string): void {
    const all = this.#below.get(id) ?? []
    const fresh = all.filter(({ node }) => !this.#seen.has(node.id))
    const known = all.filter(({ node }) => this.#seen.has(node.id))
    const { shown, left } = this.#bounded(fresh)
    const notes = [...left]
    if (known.length > 0)
      notes.push(`see above: ${known.map(({ node }) => nameOf(node)).join(', ')}`)
    shown.forEach(({ node, role }, at) => {
      const last = at === shown.length - 1 && notes.length === 0
      // It may have come up below one of those before it.
      const again = this.#seen.has(node.id)
      const line = again ? `${nameOf(node)} (see above)` : lineOf(node, role)
      this.#lines.push(`${indent}${last ? '\u2514\u2500' : '\u251c\u2500'} ${line}`)
      if (again) return
      this.#seen.add(node.id)
      this.#draw(node.id, `${indent}${last ? '   ' : '\u2502  '}`)
    })
    notes.forEach((note, at) => {
      const sign = at === notes.length - 1 ? '\u2514\u2500' : '\u251c\u2500'
      this.#lines.push(`${indent}${sign} ${note}`)
    })
  }

  /** The first of each kind, and how many others there are. */
  #bounded(branches: readonly Branch[]): { shown: Branch[]; left: string[] } {
    const shown: Branch[] = []
    const left: string[] = []
    for (const [kind, alike] of Map.groupBy(branches, ({ node }) => node.kind)) {
      shown.push(...alike.slice(0, this.#fan))
      const rest = alike.length - this.#fan
      if (rest > 0)
        left.push(`\u2026 ${rest} more ${kind}${rest === 1 || kind === 'data' ? '' : 's'}`)
    }
    return { shown, left }
  }
}

function branchesOf(
  edges: readonly ProvEdge[],
  nodes: ReadonlyMap<string, ProvNode>,
  direction: 'up' | 'down',
): Map<string, Branch[]> {
  const below = new Map<string, Branch[]>()
  for (const { from, relation, to, role } of edges) {
    if (AGENTS.has(relation)) continue
    const [near, far] = direction === 'up' ? [from, to] : [to, from]
    const node = nodes.get(far)
    const branches = below.get(near) ?? []
    below.set(near, branches)
    if (!node || branches.some(one => one.node === node)) continue
    // Downwards the role is that of the thing above.
    branches.push({ node, role: direction === 'up' ? role : null })
  }
  for (const branches of below.values()) branches.sort(inOrder)
  return below
}

function inOrder({ node: a }: Branch, { node: b }: Branch): number {
  const place = ({ kind }: ProvNode) => ORDER.indexOf(kind) + (ORDER.includes(kind) ? 0 : 100)
  return place(a) - place(b) || (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)
}

function lineOf(node: ProvNode, role: string | null): string {
  const { author, at, state, metrics = {}, quarantined } = node
  const shown = Object.entries(metrics).slice(0, METRICS_SHOWN)
  return [
    nameOf(node),
    ...(isTold(node, role) ? [`as ${role}`] : []),
    ...(state !== null && state !== SUCCESS ? [state] : []),
    ...shown.map(([name, value]) => `${name}=${value}`),
    `(${author === null ? '' : `${author}, `}${localTime(at)})`,
    ...(quarantined === undefined ? [] : [`QUARANTINED: ${quarantined}`]),
  ].join(' ')
}

/** `model e23a2_9fd9d:b82151`; without the id of what is known by nothing else, unless it is a job's. */
function nameOf({ id, kind, name, digest }: ProvNode): string {
  if (name !== id || JOBS.has(kind)) return plain(`${kind} ${name}`)
  return digest === null ? kind : `${kind} ${digest.slice('sha256:'.length).slice(0, 5)}`
}

/** A role that the kind does not say already. */
function isTold({ kind }: ProvNode, role: string | null): boolean {
  const own = role === null || role === kind || (role === 'code' && kind === 'source')
  return !own && role !== 'revision' && role !== 'ingest'
}

/** Names are what people typed: nothing of them may reach the terminal but letters. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '\u{FFFD}')
}
