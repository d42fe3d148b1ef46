/** Endpoints as records: found by name, listed, routed to. */
import { KaosError } from '../../api/errors.ts'
import type { Board } from '../jobs/board.ts'
import { readRecord } from '../jobs/reading.ts'
import { type EndpointRecord, keyOf } from '../jobs/records.ts'
import type { Route, Workspace } from '../parts.ts'

/** Ended attempts whose logs an endpoint still shows. */
export const KEPT_TRACES = 5
const CANDIDATES_SHOWN = 10

/** Held by nobody, reachable nowhere. */
export function withoutAttempt(endpoint: EndpointRecord): EndpointRecord {
  return { ...endpoint, attempt: null, address: null }
}

/** The endpoints of a workspace, newest first. */
export function endpointsOf(board: Board, workspace: string): EndpointRecord[] {
  const all = [...board.endpoints.values()].filter(one => one.workspace === workspace)
  return all.sort((a, b) => (a.work < b.work ? 1 : -1))
}

/** Name, unique part of it, or @latest; a killed one only by its whole name. */
export async function findEndpoint(
  board: Board,
  workspace: Workspace,
  text: string,
): Promise<EndpointRecord> {
  const all = endpointsOf(board, workspace.id)
  const exact = text === '@latest' ? all[0] : all.find(one => one.name === text)
  if (exact) return exact
  const gone = await readRecord<EndpointRecord>(board.parts.ledger, keyOf.gone(text))
  if (gone?.value.workspace === workspace.id) return gone.value
  const matches = all.filter(one => one.name.includes(text))
  const [match] = matches
  if (match && matches.length === 1) return match
  if (!match) {
    const message = `workspace ${workspace.name} has no endpoint ${text}; see: kaos serve list`
    throw new KaosError('ENDPOINT_NOT_FOUND', message)
  }
  const names = matches.slice(0, CANDIDATES_SHOWN).map(one => one.name)
  throw new KaosError('AMBIGUOUS', `"${text}" fits several endpoints: ${names.join(', ')}`, {
    detail: { candidates: names },
  })
}

export function routeOf(board: Board, endpoint: EndpointRecord): Route {
  const { address, attempt } = endpoint
  return {
    endpoint: endpoint.name,
    address: attempt === null ? undefined : board.workers.reach(attempt, address),
    revision: endpoint.revision,
    model: endpoint.model?.digest,
    state: endpoint.state,
    organisation: endpoint.organisation,
  }
}
