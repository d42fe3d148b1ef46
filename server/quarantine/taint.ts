/* Whether something is of quarantined content: it has it, something that it was made of has it, or
 * something with the same bytes was made of it. Looked up when it is to be used, so it does not matter
 * what came first, and what is brought again is no cleaner for it. */
import { KaosError } from '../../api/errors.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import type { People } from '../parts.ts'
import { type Descent, descentOf } from '../provenance/descent.ts'
import { nameOf } from '../provenance/names.ts'
import { type Mark, type Marks, saidOf } from './marks.ts'

/** What is quarantined, and through whom it was found. */
export interface Taint {
  readonly mark: Mark
  /** Has or holds the marked content: what was asked about itself, or something in its history. */
  readonly bearer: Node
}

/** Far more than any history that was met: what is not looked at must not pass. */
const HISTORY_MAX = 1_000_000

/** The nearest reason; undefined when it is clean. */
export async function taintOf(
  ledger: Ledger,
  organisation: string,
  node: Node,
  marks: Marks,
): Promise<Taint | undefined> {
  if (marks.size === 0) return undefined
  const own = taintIn([node], marks)
  if (own) return own
  const query = { direction: 'up', organisation, limit: HISTORY_MAX } as const
  const descent = await descentOf(ledger, [node], query)
  return taintIn(descent.nodes.values(), marks) ?? requireWhole(node, descent)
}

function taintIn(nodes: Iterable<Node>, marks: Marks): Taint | undefined {
  for (const bearer of nodes) {
    const mark = bearer.digest === undefined ? undefined : marks.get(bearer.digest)
    if (mark) return { mark, bearer }
  }
  return undefined
}

function requireWhole({ name, id }: Node, { truncated }: Descent): undefined {
  if (!truncated) return undefined
  const message = `the history of ${name ?? id} is too long to be looked through for quarantines`
  throw new KaosError('QUARANTINED', `${message}; lift those that are no longer needed`)
}

interface Room {
  readonly ledger: Ledger
  readonly people: People
}

/** One sentence: what is quarantined, by whom, since when and why. */
export async function reasonOf(room: Room, node: Node, { mark, bearer }: Taint): Promise<string> {
  const { reason, by } = await saidOf(room.ledger, mark)
  const who = by === undefined ? 'somebody' : await room.people.nameOf(by)
  const since = `${mark.at.slice(0, 16).replace('T', ' ')} UTC`
  const said = `is quarantined by ${who} since ${since}: ${reason}`
  const name = await nameOf(room, node)
  const bad = bearer.id === node.id ? name : await nameOf(room, bearer)
  const made = bearer.id === node.id ? name : `${name} was made of ${bad}, which`
  if (bearer.digest !== mark.digest)
    return `${made} holds ${await markedName(room, mark)}, which ${said}`
  const itself = mark.entity === undefined || mark.entity === bearer.id
  if (itself) return `${made} ${said}`
  return `${made} is the same as ${await markedName(room, mark)}, which ${said}`
}

async function markedName(room: Room, { entity, digest }: Mark): Promise<string> {
  const node = entity === undefined ? undefined : await room.ledger.node(entity)
  return node ? nameOf(room, node) : digest
}

export async function quarantined(room: Room, node: Node, taint: Taint): Promise<KaosError> {
  const { mark, bearer } = taint
  const { reason, by } = await saidOf(room.ledger, mark)
  const message = `${await reasonOf(room, node, taint)}; see: kaos quarantine list`
  const who = by === undefined ? null : await room.people.nameOf(by)
  const detail = { entity: bearer.id, digest: mark.digest, reason, by: who, at: mark.at }
  return new KaosError('QUARANTINED', message, { detail })
}
