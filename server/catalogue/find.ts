/* The one place that knows what somebody means: a data set, a model, a source bundle, by any of the
 * names that it has (reference.ts). What is not found is told with what there is. */
import { type Code, KaosError } from '../../api/errors.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { pointerAt } from '../ledger-reads.ts'
import type { Workspace } from '../parts.ts'
import { candidates, type Search } from './candidates.ts'
import { pointerOf } from './pointers.ts'
import { parseReference, type Reference } from './reference.ts'
import { newestVersion, repositoryNames, tagsOf } from './versions.ts'

/** What can be looked for. A source bundle is one to train with or one to serve with. */
export type Sought = 'data' | 'model' | 'train-source' | 'serve-source' | 'artifact' | 'image'

/** The part of an artifact that is of one of these kinds, or has this name as well: what a ModelKit
 * holds. Undefined when it has none; AMBIGUOUS when several fit. */
export type PartOf = (
  artifact: Node,
  kinds: readonly Sought[],
  name?: string,
) => Promise<Node | undefined>

const WORDS: Record<Sought, { what: string; code: Code; next: string }> = {
  data: { what: 'data set', code: 'BUNDLE_NOT_FOUND', next: 'see: kaos data list' },
  model: { what: 'model', code: 'MODEL_NOT_FOUND', next: 'see: kaos model list' },
  'train-source': {
    what: 'source bundle',
    code: 'BUNDLE_NOT_FOUND',
    next: 'send it with --source_bundle',
  },
  'serve-source': {
    what: 'source bundle',
    code: 'BUNDLE_NOT_FOUND',
    next: 'send it with --source_bundle',
  },
  artifact: { what: 'artifact', code: 'NOT_FOUND', next: 'see: kaos model list' },
  image: { what: 'image', code: 'NOT_FOUND', next: 'see: kaos model list' },
}

const SHOWN = 10
/** Repositories that are looked at for names to tell. */
const LOOKED_AT = 100

/** The newest that fits. BUNDLE_NOT_FOUND, MODEL_NOT_FOUND or NOT_FOUND when none does, AMBIGUOUS when
 * the reference fits several contents. */
export async function findEntity(
  ledger: Ledger,
  workspace: Workspace,
  typed: string,
  kinds: readonly Sought[],
  partOf?: PartOf,
): Promise<Node> {
  const reference = parseReference(typed, workspace.name)
  const search = { ledger, workspace, kinds: nodeKinds(kinds) }
  let other: Node | undefined
  for await (const node of candidates(search, reference)) {
    if (reference.part === undefined && kinds.some(kind => fits(node, kind))) return node
    const part = node.kind === 'artifact' && (await partOf?.(node, kinds, reference.part))
    if (part) return part
    other ??= node
  }
  throw await notFound(search, typed, reference, kinds, other)
}

/** A source that says nothing of its purpose (a part of a ModelKit) serves both. */
export function fits({ kind, attributes }: Node, sought: Sought): boolean {
  if (sought !== 'train-source' && sought !== 'serve-source') return kind === sought
  const purpose = sought === 'train-source' ? 'train' : 'serve'
  return kind === 'source' && (attributes.purpose === undefined || attributes.purpose === purpose)
}

function nodeKinds(kinds: readonly Sought[]): string[] {
  const own = kinds.map(kind => (kind.endsWith('-source') ? 'source' : kind))
  return [...new Set(own)]
}

async function notFound(
  search: Search,
  typed: string,
  { part, place }: Reference,
  kinds: readonly Sought[],
  other: Node | undefined,
): Promise<KaosError> {
  const { what, code, next } = WORDS[kinds[0]!]
  if (other) return new KaosError(code, `${typed} is ${isOther(other, what, part)}; ${next}`)
  const { ledger, workspace } = search
  const where = `workspace ${workspace.name} has no ${what} ${typed}`
  if (place && (await pointerAt(ledger, pointerOf.versions(workspace.id, place.repository)))) {
    const tags = (await tagsOf(ledger, workspace.id, place.repository)).map(one => one.tag)
    const newest = await newestVersion(ledger, workspace.id, place.repository)
    const shown = tags.slice(0, SHOWN)
    const has = newest ? `versions up to v${newest.number}` : 'no versions left'
    const tagged = shown.length === 0 ? '' : ` and the tags ${shown.join(', ')}`
    const message = `${where}: ${place.repository} has ${has}${tagged}; ${next}`
    return new KaosError(code, message, { detail: { candidates: shown } })
  }
  const names = await namesOf(search)
  const there = names.length === 0 ? '' : `; it has ${names.join(', ')}`
  return new KaosError(code, `${where}${there}; ${next}`, { detail: { candidates: names } })
}

/** Names of what there is of these kinds. */
async function namesOf({ ledger, workspace, kinds }: Search): Promise<string[]> {
  const names: string[] = []
  let left = LOOKED_AT
  for await (const name of repositoryNames(ledger, workspace.id)) {
    const newest = await newestVersion(ledger, workspace.id, name)
    const node = newest && (await ledger.node(newest.entity))
    if (node && kinds.includes(node.kind)) names.push(name)
    if (names.length === SHOWN || --left === 0) break
  }
  return names
}

function isOther({ kind, attributes }: Node, what: string, part: string | undefined): string {
  if (kind === 'artifact') {
    return part === undefined ? `an artifact without a ${what}` : `an artifact without part ${part}`
  }
  const source = `source bundle to ${attributes.purpose ?? 'use'} with`
  const own = kind === 'source' ? source : kind === 'data' ? WORDS.data.what : kind
  return `${/^[aeiou]/.test(own) ? 'an' : 'a'} ${own}, no ${what}`
}
