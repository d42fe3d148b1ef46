/* The question before anything is trained on, served or tagged: is it clean? */
import type { Digest } from '../../api/digest.ts'
import { isKaosError, type KaosError } from '../../api/errors.ts'
import type { Expectation, Ledger, Node, Statement } from '../../graph/ledger.ts'
import type { Parts, Workspace } from '../parts.ts'
import { nameOf } from '../provenance/names.ts'
import { type Findings, isFolder, lookInto } from './contents.ts'
import { type Marks, marksOf, saidOf, standingOf } from './marks.ts'
import { quarantined, taintOf } from './taint.ts'

type Room = Pick<Parts, 'ledger' | 'store' | 'people'>

export interface Clean {
  /** Belongs into the commit that uses it: nothing was put into quarantine since it was looked at. */
  readonly expect: Expectation
  /** What shares most of its files with something that is quarantined. */
  readonly warnings: readonly string[]
}

/** QUARANTINED, with who said so, when and why, when one of them, or anything that it was made of, is
 * or holds what is quarantined in the organisation. */
export async function requireClean(
  room: Room,
  { organisation }: Pick<Workspace, 'organisation'>,
  nodes: readonly (Node | undefined)[],
): Promise<Clean> {
  const { ledger } = room
  const { expect } = await standingOf(ledger, organisation)
  const marks = await marksOf(ledger, organisation)
  const warnings: string[] = []
  if (marks.size === 0) return { expect, warnings }
  for (const node of nodes) {
    if (!node) continue
    const taint = await taintOf(ledger, organisation, node, marks)
    if (taint) throw await quarantined(room, node, taint)
    if (isFolder(node)) warnings.push(...(await requireClear(room, node, marks, expect)))
  }
  return { expect, warnings }
}

/** The same, answered instead of thrown. */
export async function refusalOf(
  room: Room,
  workspace: Pick<Workspace, 'organisation'>,
  nodes: readonly Node[],
): Promise<KaosError | undefined> {
  try {
    await requireClean(room, workspace, nodes)
    return undefined
  } catch (error) {
    if (isKaosError(error, 'QUARANTINED')) return error
    throw error
  }
}

/** What is being brought: to be tagged it has to be clean, to be kept it is only told of. */
export async function lookAtBrought(
  room: Room,
  workspace: Pick<Workspace, 'organisation'>,
  nodes: readonly Node[],
  tagged: boolean,
): Promise<Clean> {
  const { expect } = await standingOf(room.ledger, workspace.organisation)
  const refusal = tagged ? undefined : await refusalOf(room, workspace, nodes)
  if (refusal) return { expect, warnings: [refusal.message] }
  return requireClean(room, workspace, nodes)
}

/** The content that statements bring: entities that they add, and those that these hold. */
export async function broughtBy(
  ledger: Ledger,
  organisation: string,
  statements: readonly Statement[],
): Promise<Node[]> {
  const brought: Node[] = []
  for (const { nodes = [], edges = [] } of statements) {
    const content = nodes.filter(node => node.class === 'entity' && node.digest !== undefined)
    brought.push(...content.map(node => ({ ...node, organisation, seq: 0, at: '' })))
    for (const { relation, to } of edges) {
      const member = relation === 'hadMember' ? await ledger.node(to) : undefined
      if (member) brought.push(member)
    }
  }
  return brought
}

async function requireClear(
  room: Room,
  node: Node & { readonly digest: Digest },
  marks: Marks,
  standing: Expectation,
): Promise<string[]> {
  const { contained, near } = await lookedInto(room, node.digest, marks, standing)
  if (contained) throw await quarantined(room, node, { mark: contained, bearer: node })
  const name = await nameOf(room, node)
  return Promise.all(
    near.map(async ({ mark, entity, share }) => {
      const { reason } = await saidOf(room.ledger, mark)
      const like = `${name} is much like ${await nameOf(room, entity)}, which is quarantined`
      const much = `${Math.floor(share * 100)} % of the bytes of the smaller are in the other`
      return `${like} (${reason}): ${much}; look at it before you use it`
    }),
  )
}

const KEPT_MAX = 200
const kept = new WeakMap<Room['store'], Map<string, Findings>>()

/** Content does not change, so it is looked into once for each state of the quarantine. */
async function lookedInto(
  room: Room,
  folder: Digest,
  marks: Marks,
  standing: Expectation,
): Promise<Findings> {
  const known = kept.get(room.store) ?? new Map<string, Findings>()
  kept.set(room.store, known)
  const key = `${JSON.stringify(standing)} ${folder}`
  const found = known.get(key) ?? (await lookInto(room, folder, marks))
  if (known.size >= KEPT_MAX) known.clear()
  known.set(key, found)
  return found
}
