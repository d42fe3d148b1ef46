/* What the repository of an entity says of it. */
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerOf } from '../catalogue/pointers.ts'

export interface About {
  readonly title: string
  readonly description: string
  readonly licence: string
  /** Where that was read, and what stood there. */
  readonly pointer: string
  readonly target: string | null
  /** Repository whose description it is. */
  readonly repository: string
}

/** An entity can be in several repositories: the description is that of the one it came into first;
 * `repository`, if it is in none. `asOf`: as it was after that statement. */
export async function aboutOf(
  ledger: Ledger,
  ws: string,
  repository: string,
  entity: Node,
  asOf?: number,
): Promise<About> {
  const at = asOf === undefined ? {} : { asOf }
  const prefix = pointerOf.place(ws, entity.id, '')
  const places = await ledger.pointers(prefix, at)
  const first = places.toSorted((a, b) => a.seq - b.seq)[0]
  const home = first?.name.slice(prefix.length) ?? repository
  const pointer = pointerOf.about(ws, home)
  const [found] = await ledger.pointers(pointer, { ...at, limit: 1 })
  const target = found?.name === pointer ? found.target : null
  const node = target === null ? undefined : await ledger.node(target)
  const said = (word: string) => String(node?.attributes[word] ?? '')
  return {
    title: said('title'),
    description: said('description'),
    licence: said('licence'),
    pointer,
    target,
    repository: home,
  }
}
