/* What something came from, or what came from it, as it is known now or was known then. */
import type { ProvenanceView } from '../../api/wire.ts'
import type { Graph, Ledger, Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import type { Workspace } from '../parts.ts'
import { marksOf, saidOf } from '../quarantine/marks.ts'
import { findThing } from './find.ts'
import { ledgerAsOf, momentOf } from './moment.ts'
import { shownEdge, shownNodes } from './names.ts'

export interface Question {
  readonly id: string
  readonly direction?: 'up' | 'down' | undefined
  readonly depth?: number | undefined
  /** A statement's number, or a time. */
  readonly asOf?: string | undefined
  readonly limit?: number | undefined
}

export interface Asked {
  readonly of: Node
  readonly direction: 'up' | 'down'
  readonly asOf: number | undefined
  readonly graph: Graph
}

const LIMIT_DEFAULT = 1000

/** The part of the graph that is asked for. */
export async function askedGraph(
  board: Board,
  workspace: Workspace,
  { id, direction = 'up', depth, asOf: moment, limit = LIMIT_DEFAULT }: Question,
): Promise<Asked> {
  const { ledger } = board.parts
  const asOf = moment === undefined ? undefined : await momentOf(ledger, moment)
  const then: Ledger = asOf === undefined ? ledger : ledgerAsOf(ledger, asOf)
  const search = { board, workspace, ...(asOf !== undefined && { ledger: then }) }
  const of = await findThing(search, id)
  const bounds = { limit, ...(depth !== undefined && { depth }) }
  return { of, direction, asOf, graph: await then.lineage(of.id, { direction, ...bounds }) }
}

export async function provenanceView(
  board: Board,
  workspace: Workspace,
  question: Question,
): Promise<ProvenanceView> {
  const { ledger, people } = board.parts
  const { of, direction, asOf, graph } = await askedGraph(board, workspace, question)
  const nodes = await shownNodes({ ledger, people }, graph.nodes, graph.edges)
  const marks = await marksOf(ledger, workspace.organisation)
  for (const node of nodes) {
    const mark = node.digest === null ? undefined : marks.get(node.digest)
    if (mark) node.quarantined = (await saidOf(ledger, mark)).reason
  }
  return {
    of: of.id,
    direction,
    asOf: asOf ?? null,
    nodes,
    edges: graph.edges.map(shownEdge),
    truncated: graph.truncated,
  }
}
