/* A graph on its way from the thread: nodes as JSON texts, edges as numbers, since copying ten thousand
 * objects from thread to thread costs more than finding them. It is unpacked a part at a time: the main
 * thread has others to serve. */
import type { Digest } from '../../api/digest.ts'
import type { Edge, Graph, Json, Node, ProvClass } from '../ledger.ts'
import { relationOf } from './schema.ts'

/** A JSON text: an array of PackedNode. */
export type PackedNodes = string

type PackedNode = [
  id: string,
  kindClass: ProvClass,
  kind: string,
  organisation: string,
  workspace: string | null,
  digest: Digest | null,
  name: string | null,
  attributes: { [key: string]: Json },
  seq: number,
  at: number,
]

export interface PackedEdges {
  /** Four numbers an edge: place of its ends among the nodes, code of the relation, statement. */
  readonly edges: Float64Array
  /** Roles of the edges that have one, by place among the edges. */
  readonly roles: ReadonlyMap<number, string>
  readonly truncated: boolean
}

/** Edges that are unpacked in one turn of the event loop. */
const EDGES_PAGE = 10_000

/** Puts a graph together from its parts. */
export class Unpacking {
  readonly #nodes: Node[] = []

  add(text: PackedNodes): void {
    for (const packed of JSON.parse(text) as PackedNode[]) this.#nodes.push(nodeOf(packed))
  }

  /** `pause` lets others have their turn. */
  async end(
    { edges: numbers, roles, truncated }: PackedEdges,
    pause: () => Promise<void>,
  ): Promise<Graph> {
    const nodes = this.#nodes
    const edges: Edge[] = []
    for (let at = 0, place = 0; at < numbers.length; at += 4, place++) {
      if (place > 0 && place % EDGES_PAGE === 0) await pause()
      const from = nodes[numbers[at]!]!.id
      const relation = relationOf(numbers[at + 1])
      const to = nodes[numbers[at + 2]!]!.id
      const seq = numbers[at + 3]!
      const role = roles.get(place)
      edges.push(
        role === undefined ? { from, relation, to, seq } : { from, relation, to, role, seq },
      )
    }
    return { nodes, edges, truncated }
  }
}

function nodeOf(packed: PackedNode): Node {
  const [workspace, digest, name] = [packed[4], packed[5], packed[6]]
  const node: { -readonly [K in keyof Node]: Node[K] } = {
    id: packed[0],
    class: packed[1],
    kind: packed[2],
    organisation: packed[3],
    attributes: packed[7],
    seq: packed[8],
    at: timeText(packed[9]),
  }
  if (workspace !== null) node.workspace = workspace
  if (digest !== null) node.digest = digest
  if (name !== null) node.name = name
  return node
}

const MINUTE_MS = 60_000
let minute = Number.NaN
let minuteText = ''

/** RFC 3339 with milliseconds. Things that were made together are asked for together, so the minute is
 * mostly that of the one before. */
function timeText(at: number): string {
  const now = Math.floor(at / MINUTE_MS)
  if (now !== minute) {
    minute = now
    minuteText = new Date(now * MINUTE_MS).toISOString().slice(0, 17)
  }
  const ms = String(at - now * MINUTE_MS).padStart(5, '0')
  return `${minuteText}${ms.slice(0, 2)}.${ms.slice(2)}Z`
}
