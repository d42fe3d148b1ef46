/* The parts of a ModelKit as entities of its workspace. Bytes that an entity of the same kind has
 * already are that entity: what is known of it (who made it, of what) is then known of the part. */
import { KaosError } from '../../api/errors.ts'
import { bundleName, newId } from '../../api/ids.ts'
import { canonical } from '../../graph/canonical.ts'
import type { Expectation, Json, Ledger, NewEdge, NewNode, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { entryAt, requireComplete } from '../../store/trees.ts'
import { wellFormed } from '../attempts/facts.ts'
import { requireFolderName } from '../bundles/rules.ts'
import { isPurged, PURGED } from '../care/purged.ts'
import type { Arrival } from '../registry/hooks.ts'
import { refused } from './refused.ts'
import type { Unit } from './units.ts'

export interface Member {
  readonly unit: Unit
  readonly files: number
  readonly bytes: number
  readonly purpose: 'train' | 'serve' | undefined
}

export interface Members {
  readonly nodes: readonly NewNode[]
  readonly edges: readonly NewEdge[]
  /** That those which were there already still have their content. */
  readonly expect: readonly Expectation[]
  /** For the artifact's attributes. */
  readonly parts: Json[]
}

/** A fact has 1 MiB at most: of what a Kitfile says freely, of all that together, and of names. */
const SAID_MAX = 64 * 1024
const ALL_SAID_MAX = 384 * 1024
const NAMES_MAX = 256 * 1024
const SAME_MAX = 50

export async function memberOf(store: Store, unit: Unit): Promise<Member> {
  const { files, bytes } = await requireComplete(store, unit.tree)
  const purpose = unit.kind === 'source' ? await purposeOf(store, unit) : undefined
  return { unit, files, bytes, purpose }
}

async function purposeOf(store: Store, { tree }: Unit): Promise<'train' | 'serve' | undefined> {
  for (const purpose of ['train', 'serve'] as const) {
    const program = await entryAt(store, tree, `model/${purpose}`)
    if (program && program.kind !== 'folder') return purpose
  }
  return undefined
}

export async function membersOf(
  ledger: Ledger,
  arrival: Arrival,
  members: readonly Member[],
): Promise<Members> {
  const nodes: NewNode[] = []
  const edges: NewEdge[] = []
  const expect: Expectation[] = []
  const parts: Json[] = []
  const taken = new Set<string>()
  let room = ALL_SAID_MAX
  for (const member of members) {
    const { kind, name, path, says } = member.unit
    const known = await knownEntity(ledger, arrival, member, taken)
    const words = said(says, room)
    const node = known ?? newEntity(arrival, member, words)
    taken.add(node.id)
    if (known) {
      expect.push({ pointer: PURGED + node.id, target: null })
    } else {
      room -= JSON.stringify(words).length
      nodes.push(node)
      edges.push({ from: node.id, relation: 'wasAttributedTo', to: arrival.actor.id })
    }
    edges.push({ from: arrival.artifact, relation: 'hadMember', to: node.id, role: kind })
    parts.push({ name: name.toWellFormed(), kind, path, entity: node.id })
  }
  if (JSON.stringify(parts).length > NAMES_MAX) throw refused('the names of its parts are too long')
  return { nodes, edges, expect, parts }
}

/** One that is not a part of this artifact yet: two parts may have the same content. Nor one whose
 * content was purged: equal content that is sent again is not it. */
async function knownEntity(
  ledger: Ledger,
  { workspace }: Arrival,
  { unit }: Member,
  taken: ReadonlySet<string>,
): Promise<Node | undefined> {
  const { id, organisation } = workspace
  const query = { organisation, workspace: id, kind: unit.kind, digest: unit.tree, limit: SAME_MAX }
  for (const node of await ledger.nodes(query)) {
    if (!taken.has(node.id) && !(await isPurged(ledger, node.id))) return node
  }
  return undefined
}

function newEntity(
  arrival: Arrival,
  { unit, files, bytes, purpose }: Member,
  words: Record<string, Json>,
): NewNode {
  const folder = folderName(unit)
  return {
    id: newId(),
    class: 'entity',
    kind: unit.kind,
    workspace: arrival.workspace.id,
    digest: unit.tree,
    name: bundleName(folder, unit.tree),
    attributes: {
      folder,
      part: unit.name.toWellFormed(),
      files,
      bytes,
      author: arrival.actor.id,
      ...(purpose && { purpose }),
      ...words,
    },
  }
}

/** What the Kitfile says, as far as a fact can hold it and there is room. */
export function said(
  says: Readonly<Record<string, Json>>,
  room: number = SAID_MAX,
): Record<string, Json> {
  const kept: [string, Json][] = []
  let left = Math.min(room, SAID_MAX)
  for (const [word, value] of Object.entries(says)) {
    const size = sizeOf(word, value)
    if (size > left) continue
    left -= size
    kept.push([word, value])
  }
  return kept.length === 0 ? {} : { kitfile: wellFormed(Object.fromEntries(kept)) }
}

/** Too large for what cannot be said at all: numbers that JSON's readers make infinite. */
function sizeOf(word: string, value: Json | undefined): number {
  try {
    return value === undefined ? Infinity : canonical(wellFormed({ [word]: value })).length
  } catch {
    return Infinity
  }
}

/** The last part of the path, where a folder may be called so. */
function folderName({ path, name, kind }: Unit): string {
  const folder = (path || name).split('/').at(-1) || kind
  try {
    requireFolderName(folder)
    return folder
  } catch (error) {
    if (error instanceof KaosError) return kind
    throw error
  }
}
