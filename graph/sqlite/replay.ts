/* Builds the projection anew from the log, statement by statement, as the writer once did. */
import { isKaosError } from '../../api/errors.ts'
import { nodeRow } from '../commit.ts'
import type { NewEdge } from '../ledger.ts'
import type { Payload } from '../payload.ts'
import type { Database } from './database.ts'
import { type Origin, projectionOf } from './projection.ts'

export interface Replay {
  /** The next statement, with its time in ms since 1970. */
  statement(payload: Payload, at: number): void
  /** There are no more. */
  end(): void
}

interface Pending {
  readonly edge: NewEdge
  readonly origin: Origin
}

/** Replays into the tables of `schema`; `tell` hears what can not be replayed. */
export function replayInto(
  database: Database,
  schema: 'main' | 'temp',
  tell: (sentence: string) => void,
): Replay {
  const projection = projectionOf(database, schema)
  // An edge may name a node of a later statement of its commit. The log does not say where a commit
  // ends, but all its statements have one time, actor and organisation: so long such an edge waits.
  let pending: Pending[] = []
  let group = ''

  function attempt(seq: number, act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!isKaosError(error)) throw error
      tell(`statement ${seq} can not be replayed: ${error.message}`)
    }
  }

  function addEdge({ edge, origin }: Pending): boolean {
    const [from, to] = [projection.find(edge.from), projection.find(edge.to)]
    if (from === undefined || to === undefined) return false
    attempt(origin.seq, () => projection.addEdge(edge, from, to, origin))
    return true
  }

  function endGroup(): void {
    for (const { edge, origin } of pending) {
      const what = `${edge.from} ${edge.relation} ${edge.to}`
      tell(`statement ${origin.seq}: edge ${what} names a node that the log does not hold`)
    }
    pending = []
  }

  return {
    statement(payload, at) {
      const { seq, organisation, actor, nodes = [], edges = [], moves = [] } = payload
      const origin = { seq, at, organisation }
      const ours = JSON.stringify([at, actor, organisation])
      if (ours !== group) endGroup()
      group = ours
      for (const node of nodes) attempt(seq, () => projection.addNode(nodeRow(node), origin))
      const waiting = [...pending, ...edges.map(edge => ({ edge, origin }))]
      pending = waiting.filter(one => !addEdge(one))
      for (const move of moves) attempt(seq, () => projection.move(move, origin))
    },
    end: endGroup,
  }
}
