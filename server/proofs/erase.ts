/* Erasing what a statement says (graph/erasure.ts). The pointer `erased/<number>` stands at the actor,
 * and was moved by the statement that erased it: so all of them are found without reading the log. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import type { ErasableView, ErasedView, EraseRequest } from '../../api/wire.ts'
import { erasureOf } from '../../graph/erasure.ts'
import type { Ledger, Pointer } from '../../graph/ledger.ts'
import type { Payload } from '../../graph/payload.ts'
import type { People } from '../parts.ts'

interface Around {
  readonly ledger: Ledger
  readonly people: Pick<People, 'nameOf'>
}

const PREFIX = 'erased/'
const DIGITS = 15
const PAGE = 1000

/** What stands to be erased. `of`: number of a statement, or the id of something that it made. */
export async function erasableStatement(ledger: Ledger, of: string): Promise<ErasableView> {
  const seq = /^\d{1,15}$/.test(of)
    ? Number(of)
    : isId(of)
      ? (await ledger.node(of))?.seq
      : undefined
  if (seq === undefined) {
    const next = 'give the number of a statement, or the id of something that it made'
    throw new KaosError('NOT_FOUND', `there is no statement ${of}; ${next}`)
  }
  const { said } = await erasureOf(ledger, seq)
  requireFree(seq, said)
  const nodes = (said.nodes ?? []).map(({ id, kind, name = null }) => ({ id, kind, name }))
  return { seq, at: said.at, type: said.type, nodes }
}

/** The words go, for ever; answers what was erased. */
export async function eraseStatement(
  around: Around,
  actor: Actor,
  { statement: seq, reason }: EraseRequest,
): Promise<ErasedView> {
  const { ledger } = around
  const { erasure, said } = await erasureOf(ledger, seq)
  requireFree(seq, said)
  const pointer = PREFIX + String(seq).padStart(DIGITS, '0')
  const nodes = (said.nodes ?? []).map(node => node.id)
  await ledger.commit({
    actor: actor.id,
    organisation: actor.organisation,
    expect: [{ pointer, target: null }],
    statements: [
      {
        type: 'statement.erased',
        erases: [erasure],
        moves: [{ pointer, target: actor.id }],
        // Not what it said, only what it was.
        detail: { reason: reason.toWellFormed(), type: said.type, nodes },
      },
    ],
  })
  const [made] = await ledger.pointers(pointer, { limit: 1 })
  return viewOf(around, made!)
}

export async function erasedStatements(around: Around): Promise<ErasedView[]> {
  const found: ErasedView[] = []
  for (let after: string | undefined; ; ) {
    const page = await around.ledger.pointers(PREFIX, { limit: PAGE, ...(after && { after }) })
    for (const pointer of page) found.push(await viewOf(around, pointer))
    if (page.length < PAGE) return found
    after = page.at(-1)?.name
  }
}

async function viewOf({ ledger, people }: Around, pointer: Pointer): Promise<ErasedView> {
  const seq = Number(pointer.name.slice(PREFIX.length))
  const [[gone], [said]] = await Promise.all([
    ledger.log(seq, 1, { leaves: true }),
    ledger.log(pointer.seq, 1),
  ])
  const { detail = {} } = JSON.parse(said!.payload!) as Payload
  return {
    seq,
    at: gone!.at,
    erasedAt: pointer.at,
    by: pointer.seq,
    who: await people.nameOf(pointer.target),
    reason: String(detail.reason),
    type: String(detail.type),
    nodes: detail.nodes as string[],
  }
}

/** Names by which everything else is found stay. */
function requireFree(seq: number, { nodes = [] }: Payload): void {
  const needed = nodes.find(node => node.kind === 'workspace')
  if (needed === undefined) return
  const message = `statement ${seq} made workspace ${needed.name}, by whose name all in it is found; it can not be erased`
  throw new KaosError('BAD_REQUEST', message)
}
