/* Tags: names that move. Each move is a statement of its own, with who moved it, from where, to where. */
import { KaosError } from '../../api/errors.ts'
import type { TagHistory } from '../../api/wire.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { People } from '../parts.ts'
import { requireClean } from '../quarantine/clean.ts'
import {
  planTag,
  planVersion,
  pointerOf,
  requireRepository,
  requireTag,
  tagMoved,
} from './pointers.ts'
import {
  type Asked,
  type Change,
  commitOnce,
  madeBefore,
  type Room,
  requireSameKind,
} from './room.ts'
import { statementAt } from './statements.ts'
import { inTurn } from './turns.ts'
import { placeIn } from './versions.ts'

export interface Tagged {
  readonly version: number
  /** It was no version of this repository before. */
  readonly added: boolean
  readonly moved: string[]
}

/** Plans to move these tags to the entity; answers those that do move. */
export async function addTags(
  ledger: Ledger,
  ws: string,
  repository: string,
  tags: readonly string[],
  entity: string,
  change: Change,
): Promise<string[]> {
  const moved: string[] = []
  for (const tag of tags) {
    const planned = await planTag(ledger, ws, repository, tag, entity)
    const statement = tagMoved(ws, repository, tag, planned)
    change.expect.push(...planned.expect)
    if (!statement) continue
    change.statements.push(statement)
    moved.push(tag)
  }
  return moved
}

const TAGGED = new Set(['data', 'model', 'artifact', 'image'])

/** Tags an entity in a repository, of which it becomes a version first if it is none. */
export async function tagEntity(
  room: Room,
  asked: Asked,
  repository: string,
  entity: Node,
  tags: readonly string[],
): Promise<Tagged> {
  const { ledger, intake, presence } = room
  const ws = asked.workspace.id
  requireRepository(repository)
  const names = [...new Set(tags)].map(requireTag)
  if (!TAGGED.has(entity.kind)) {
    throw new KaosError('BAD_REQUEST', `a ${entity.kind} is kept in no repository; tag a model`)
  }
  return intake.relying((relied, epoch) =>
    inTurn(ledger, ws, repository, async () => {
      const made = await madeBefore<Tagged>(ledger, asked)
      if (made) return made
      const { expect } = await requireClean(room, asked.workspace, [entity])
      const change: Change = { expect: [...relied, expect], statements: [] }
      const place = await placeIn(ledger, ws, entity.id, repository)
      if (place === undefined) await presence.require(entity, epoch)
      const version = place ?? (await addPlace(room, asked, repository, entity, change))
      if (place !== undefined) {
        const pointer = pointerOf.version(ws, repository, place)
        change.expect.push({ pointer, target: entity.id })
      }
      const moved = await addTags(ledger, ws, repository, names, entity.id, change)
      const result = { version, added: place === undefined, moved }
      await commitOnce(room, asked, change, result)
      return result
    }),
  )
}

async function addPlace(
  { ledger }: Room,
  { workspace }: Asked,
  repository: string,
  { id, kind }: Node,
  change: Change,
): Promise<number> {
  await requireSameKind(ledger, workspace.id, repository, kind)
  const { number, expect, moves } = await planVersion(ledger, workspace.id, repository, id)
  change.expect.push(...expect)
  change.statements.push({
    type: 'version.added',
    workspace: workspace.id,
    moves,
    detail: { repository, version: number, entity: id },
  })
  return number
}

/** NOT_FOUND when there is no such tag. */
export async function untag(
  room: Room,
  asked: Asked,
  repository: string,
  tag: string,
): Promise<void> {
  const { ledger } = room
  const ws = asked.workspace.id
  await inTurn(ledger, ws, repository, async () => {
    if (await madeBefore(ledger, asked)) return
    const { from, expect, moves } = await planTag(ledger, ws, repository, tag, null)
    const statement = tagMoved(ws, repository, tag, { from, expect, moves })
    if (!statement) {
      const next = `see: kaos data inspect ${repository}`
      throw new KaosError('NOT_FOUND', `${repository} has no tag ${tag}; ${next}`)
    }
    await commitOnce(room, asked, { expect, statements: [statement] }, { tag })
  })
}

const MOVES_SHOWN = 100

/** Where a tag stood, newest first: each move says where the pointer stood just before it. */
export async function tagHistory(
  { ledger, people }: { ledger: Ledger; people: People },
  ws: string,
  repository: string,
  tag: string,
): Promise<TagHistory> {
  const name = pointerOf.tag(ws, requireRepository(repository), requireTag(tag))
  const moves: TagHistory['moves'] = []
  let pointer = await pointerAt(ledger, name)
  if (!pointer) throw new KaosError('NOT_FOUND', `${repository} has no tag ${tag}`)
  while (pointer && moves.length < MOVES_SHOWN) {
    const statement = await statementAt(ledger, pointer.seq)
    const from = statement?.detail?.from
    moves.push({
      at: pointer.at,
      author: statement ? await people.nameOf(statement.actor) : 'unknown',
      from: typeof from === 'string' ? await placeName(ledger, ws, repository, from) : null,
      to: await placeName(ledger, ws, repository, pointer.target),
    })
    const [before] = await ledger.pointers(name, { asOf: pointer.seq - 1, limit: 1 })
    pointer = before?.name === name ? before : undefined
  }
  return { repository, tag, moves }
}

/** `v2`; its id when it is no version of the repository any more. */
async function placeName(ledger: Ledger, ws: string, repository: string, entity: string) {
  const number = await placeIn(ledger, ws, entity, repository)
  return number === undefined ? entity : `v${number}`
}
