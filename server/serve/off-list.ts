/** Taking an endpoint off the list: killed by somebody, or never built. Record and facts stay. */
import type { EndpointState } from '../../api/wire.ts'
import type { Board, Plan } from '../jobs/board.ts'
import { endpointTopic } from '../jobs/changes.ts'
import { forget, write } from '../jobs/reading.ts'
import { type EndpointRecord, keyOf } from '../jobs/records.ts'

interface Final {
  readonly state: EndpointState
  readonly reason: string | null
}

export function planGone(
  board: Board,
  plan: Plan,
  endpoint: EndpointRecord,
  final: Final,
  fact: string,
): EndpointRecord {
  const { name, workspace } = endpoint
  const gone: EndpointRecord = { ...endpoint, ...final, address: null }
  plan.statements.push({
    type: fact,
    workspace,
    detail: { endpoint: name, revision: endpoint.revision, reason: final.reason },
  })
  plan.records.push(forget(keyOf.endpoint(name)), write(keyOf.gone(name), gone))
  plan.after.push(() => {
    board.endpoints.delete(name)
    board.changes.wake(endpointTopic(name))
  })
  return gone
}
