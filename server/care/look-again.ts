/* The second look of a collection: what was written since it began. Whatever was found among the
 * living before the condemnation, and became a fact or a note since, is marked here and spared. */
import { isId } from '../../api/ids.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { Payload } from '../../graph/payload.ts'
import { heldContent } from './held.ts'
import type { Mark } from './mark.ts'
import type { Met } from './reach.ts'

const PAGE = 500

/** `from`: the first statement that the first look may have missed. */
export async function lookAgain(
  ledger: Ledger,
  mark: Mark,
  from: number,
  fresh: Met,
): Promise<void> {
  for (let seq = from; ; ) {
    const entries = await ledger.log(seq, PAGE)
    for (const { payload } of entries) {
      if (payload === null) continue
      for (const id of namedIn(JSON.parse(payload) as Payload)) {
        const node = await ledger.node(id)
        if (node?.class === 'entity') await mark.content(node, fresh)
      }
    }
    if (entries.length < PAGE) break
    seq += entries.length
  }
  for await (const held of heldContent(ledger, mark.since)) await mark.held(held, fresh)
}

/** Everything of which the statement could be the reason to be kept (kept.ts). */
function namedIn({ nodes = [], edges = [], moves = [] }: Payload): Set<string> {
  return new Set([
    ...nodes.filter(node => node.digest !== undefined).map(node => node.id),
    ...edges.flatMap(({ relation, from, to }) => {
      if (relation === 'wasGeneratedBy') return [from]
      return relation === 'used' || relation === 'hadMember' ? [to] : []
    }),
    ...moves.flatMap(({ target }) => (target !== null && isId(target) ? [target] : [])),
  ])
}
