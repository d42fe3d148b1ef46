/* Agents: who acts, as the ledger knows them. An agent is an opaque id; its name is a record that
 * can be erased while every fact about the agent stays. */
import { DEFAULT_ORGANISATION } from '../../api/actor.ts'
import { isKaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { Ledger } from '../../graph/ledger.ts'
import { pointerAt, recordAt } from '../ledger-reads.ts'

/** Id of the agent this pointer names; made when there is none. `by`: who makes it; absent: itself. */
export async function ensureAgent(
  ledger: Ledger,
  pointer: string,
  kind: 'user' | 'worker' | 'system',
  name: string,
  by?: string,
): Promise<string> {
  const known = await pointerAt(ledger, pointer)
  if (known) return known.target
  const id = newId()
  try {
    await ledger.commit({
      actor: by ?? id,
      organisation: DEFAULT_ORGANISATION,
      expect: [{ pointer, target: null }],
      statements: [
        {
          type: 'agent.created',
          nodes: [{ id, class: 'agent', kind, attributes: {} }],
          moves: [{ pointer, target: id }],
        },
      ],
      records: [{ key: profileKey(id), value: { name } }],
    })
  } catch (error) {
    const other = isKaosError(error, 'CONFLICT') ? await pointerAt(ledger, pointer) : undefined
    if (other) return other.target
    throw error
  }
  return id
}

export function profileKey(agent: string): string {
  return `profile/${agent}`
}

/** Name to show; the id's first eight digits when the profile was erased. */
export async function nameOf(ledger: Ledger, agent: string): Promise<string> {
  const profile = await recordAt(ledger, profileKey(agent))
  const value = profile?.value as { name: string } | undefined
  return value?.name ?? agent.slice(0, 8)
}
