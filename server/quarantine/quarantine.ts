/* Putting content into quarantine and taking it out. Each is a fact, with its reason; nothing is moved
 * or deleted. */
import { type Digest, isDigest } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { QuarantineRow } from '../../api/wire.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { type Asked, commitOnce, madeBefore } from '../catalogue/room.ts'
import type { Board } from '../jobs/board.ts'
import { retrying } from '../jobs/reading.ts'
import type { Workspace } from '../parts.ts'
import { findThing } from '../provenance/find.ts'
import { nameOf } from '../provenance/names.ts'
import { type Mark, type Marks, markPointer, marksOf, saidOf, standingOf } from './marks.ts'
import { quarantined, taintOf } from './taint.ts'

/** What somebody named. */
interface Named {
  /** Undefined for a digest that nothing here has. */
  readonly entity: Node | undefined
  readonly digests: readonly Digest[]
}

interface Wish {
  readonly id: string
  readonly reason: string
  readonly drain?: boolean
}

/** QUARANTINED when it is already, unless what runs from it is to be stopped now. */
export async function quarantine(board: Board, asked: Asked, wish: Wish): Promise<QuarantineRow> {
  const { parts } = board
  const { ledger } = parts
  const { organisation, id: workspace } = asked.workspace
  const { entity, digests } = await named(board, asked.workspace, wish.id)
  await retrying(async () => {
    if (await madeBefore(ledger, asked)) return
    const standing = await standingOf(ledger, organisation)
    const marks = await marksOf(ledger, organisation)
    const fresh = digests.filter(digest => !marks.has(digest))
    const known = newestOf(digests, marks)
    if (fresh.length === 0 && known) {
      if (wish.drain) return
      throw await already(board, known)
    }
    const target = (digest: Digest) => entity?.id ?? digest
    const statement = {
      type: 'content.quarantined',
      workspace,
      moves: [
        standing.move,
        ...fresh.map(digest => ({
          pointer: markPointer(organisation, digest),
          target: target(digest),
        })),
      ],
      detail: { entity: entity?.id ?? null, digests: [...fresh], reason: wordsOf(wish) },
    }
    const change = { expect: [standing.expect], statements: [statement] }
    await commitOnce(parts, asked, change, { digests: [...fresh] })
  })
  const marks = await marksOf(ledger, organisation)
  const mark = newestOf(digests, marks)
  if (!mark) throw new KaosError('CONFLICT', `${wish.id} was taken out of quarantine meanwhile`)
  return rowOf(board, mark)
}

/** Takes out all that was put in with it. NOT_FOUND when it is not in quarantine itself. */
export async function lift(board: Board, asked: Asked, wish: Wish): Promise<QuarantineRow> {
  const { parts } = board
  const { ledger } = parts
  const { organisation, id: workspace } = asked.workspace
  const made = await madeBefore<QuarantineRow>(ledger, asked)
  if (made) return made
  const { entity, digests } = await named(board, asked.workspace, wish.id)
  return retrying(async () => {
    const standing = await standingOf(ledger, organisation)
    const marks = await marksOf(ledger, organisation)
    const mark = newestOf(digests, marks)
    if (!mark) throw await notMarked(board, organisation, wish.id, entity)
    const row = await rowOf(board, mark)
    const group = [...marks.values()].filter(one => one.seq === mark.seq)
    const lifted = group.map(({ digest }) => digest)
    const statement = {
      type: 'quarantine.lifted',
      workspace,
      moves: [
        standing.move,
        ...lifted.map(digest => ({ pointer: markPointer(organisation, digest), target: null })),
      ],
      detail: { entity: mark.entity ?? null, digests: lifted, reason: wordsOf(wish) },
    }
    const change = { expect: [standing.expect], statements: [statement] }
    await commitOnce(parts, asked, change, { ...row })
    return row
  })
}

function newestOf(digests: readonly Digest[], marks: Marks): Mark | undefined {
  const found = digests.flatMap(digest => marks.get(digest) ?? [])
  return found.sort((a, b) => b.seq - a.seq)[0]
}

/** Each once, the newest first. */
export async function quarantineList(board: Board, organisation: string): Promise<QuarantineRow[]> {
  const groups = new Map<number, Mark>()
  for (const mark of (await marksOf(board.parts.ledger, organisation)).values()) {
    if (!groups.has(mark.seq)) groups.set(mark.seq, mark)
  }
  const marks = [...groups.values()].sort((a, b) => b.seq - a.seq)
  return Promise.all(marks.map(mark => rowOf(board, mark)))
}

async function named(board: Board, workspace: Workspace, id: string): Promise<Named> {
  const node = await findThing({ board, workspace }, id).catch(error => {
    if (isDigest(id) && isKaosError(error, 'NOT_FOUND')) return undefined
    throw error
  })
  if (node) return { entity: node, digests: await digestsOf(board.parts.ledger, node) }
  return { entity: undefined, digests: [id as Digest] }
}

/** Its own content, and that of its parts: whoever names a ModelKit means what is in it. */
async function digestsOf(ledger: Ledger, node: Node): Promise<Digest[]> {
  if (node.class === 'entity' && node.digest !== undefined) {
    const options = { direction: 'up', depth: 1, relations: ['hadMember'] } as const
    const { nodes } = await ledger.lineage(node.id, options)
    return [...new Set([node, ...nodes.slice(1)].flatMap(one => one.digest ?? []))]
  }
  const next = node.kind === 'revision' ? 'name its model or its source' : 'name what it made'
  const message = `a ${node.kind} has no content of its own to put into quarantine`
  throw new KaosError('BAD_REQUEST', `${message}; ${next}: kaos provenance show ${node.id}`)
}

async function already(board: Board, mark: Mark): Promise<KaosError> {
  const { name, author, reason } = await rowOf(board, mark)
  const message = `${name} is quarantined already, by ${author} since ${mark.at}: ${reason}`
  const next = 'to change the reason, lift it first with: kaos quarantine lift'
  return new KaosError('QUARANTINED', `${message}; ${next} ${name}`)
}

async function notMarked(
  board: Board,
  organisation: string,
  id: string,
  entity: Node | undefined,
): Promise<KaosError> {
  const { ledger } = board.parts
  const marks = await marksOf(ledger, organisation)
  const taint = entity && (await taintOf(ledger, organisation, entity, marks))
  if (entity && taint) {
    const why = (await quarantined(board.parts, entity, taint)).message
    return new KaosError('NOT_FOUND', `${id} was not put into quarantine itself: ${why}`)
  }
  return new KaosError('NOT_FOUND', `${id} is not in quarantine; see: kaos quarantine list`)
}

async function rowOf({ parts }: Board, mark: Mark): Promise<QuarantineRow> {
  const { ledger, people } = parts
  const { reason, by, digests } = await saidOf(ledger, mark)
  const node = mark.entity === undefined ? undefined : await ledger.node(mark.entity)
  return {
    name: node ? await nameOf(parts, node) : mark.digest,
    kind: node?.kind ?? null,
    entity: node?.id ?? null,
    digests: [...digests],
    reason,
    author: by === undefined ? 'unknown' : await people.nameOf(by),
    at: mark.at,
  }
}

function wordsOf({ reason }: Wish): string {
  const words = reason.toWellFormed().trim()
  if (words !== '') return words
  throw new KaosError('BAD_REQUEST', 'say why, with --reason')
}
