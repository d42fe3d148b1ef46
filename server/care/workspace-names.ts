/* Workspaces as people know them. A killed one has no name any more; its id is told. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import type { Parts } from '../parts.ts'
import type { Place } from './census.ts'
import { nodesOf } from './kept.ts'

export async function workspaceNames({
  ledger,
}: Pick<Parts, 'ledger'>): Promise<(place: Place) => string | null> {
  const names = new Map<string, string>()
  const query = { organisation: DEFAULT_ORGANISATION, kind: 'workspace' }
  for await (const { id, name } of nodesOf(ledger, query)) names.set(id, name ?? id)
  return place => (place === null ? null : (names.get(place) ?? place))
}
