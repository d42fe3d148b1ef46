/* Which part of a ModelKit is meant, for `train deploy -d kit://…` and its like. */

import type { BundleKind } from '../../api/bundle.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import type { Graph, Json, Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { requireBundle } from '../bundles/rules.ts'
import type { PartOf, Sought } from '../catalogue/find.ts'
import type { Settings } from '../parts.ts'

const SHOWN = 10
/** Kits that are named in the place of a model, one after the other, as many as kit follows. */
const PARENTS_MAX = 10

interface Options {
  readonly ledger: Ledger
  readonly store: Store
  readonly settings: Settings
}

export function openPartOf(options: Options): PartOf {
  return (artifact, kinds, name) => find(options, { artifact, kinds, name }, PARENTS_MAX)
}

interface Wanted {
  readonly artifact: Node
  readonly kinds: readonly Sought[]
  readonly name: string | undefined
}

async function find(options: Options, wanted: Wanted, parents: number): Promise<Node | undefined> {
  const { artifact, kinds, name } = wanted
  const graph = await options.ledger.lineage(artifact.id, {
    direction: 'up',
    depth: 1,
    relations: ['hadMember', 'wasDerivedFrom'],
  })
  const fitting = membersIn(graph, artifact).filter(({ node }) => {
    return kinds.some(kind => isOf(node, kind))
  })
  const parts = fitting.filter(one => name === undefined || [one.name, one.path].includes(name))
  if (parts.length > 1) return oneOf(options, wanted, parts)
  if (parts[0]) return usable(options, wanted, parts[0])
  const parent = kinds.includes('model') ? parentIn(graph, artifact) : undefined
  if (!parent || parents === 0) return undefined
  return parent.kind === 'model'
    ? parent
    : find(options, { ...wanted, artifact: parent }, parents - 1)
}

/** Of several only those count that could be used. */
async function oneOf(options: Options, wanted: Wanted, parts: readonly Named[]): Promise<Node> {
  const good: Named[] = []
  let wrong: unknown
  for (const part of parts) {
    try {
      await usable(options, wanted, part)
      good.push(part)
    } catch (error) {
      if (!isKaosError(error, 'INVALID_BUNDLE')) throw error
      wrong ??= error
    }
  }
  if (good.length === 1) return good[0]!.node
  if (good.length === 0) throw wrong
  const isUnique = new Set(good.map(one => one.name)).size === good.length
  const names = good.map(one => (isUnique ? one.name : one.path)).slice(0, SHOWN)
  const message = `${shown(wanted.artifact)} has several parts that fit: ${names.join(', ')}`
  throw new KaosError('AMBIGUOUS', `${message}; name one after #, like …#${names[0]}`, {
    detail: { candidates: names },
  })
}

/** Code that is wanted to train or serve with has to be a bundle that does. */
async function usable(
  { store, settings }: Options,
  { artifact, kinds }: Wanted,
  { node, name }: Named,
): Promise<Node> {
  if (!kinds.every(isSource)) return node
  const { folder, files } = node.attributes
  const bundle = { folder: String(folder), tree: node.digest!, files: Number(files) }
  let failure: KaosError | undefined
  for (const kind of kinds) {
    try {
      await requireBundle(store, { ...bundle, kind }, settings.runner)
      return node
    } catch (error) {
      if (!isKaosError(error, 'INVALID_BUNDLE')) throw error
      failure ??= error
    }
  }
  const message = `the part ${name} of ${shown(artifact)} cannot be used: ${failure?.message}`
  throw new KaosError('INVALID_BUNDLE', message, { cause: failure })
}

interface Named {
  readonly node: Node
  readonly name: string
  readonly path: string
}

/** The names are those of the Kitfile, which the artifact remembers. */
function membersIn({ nodes, edges }: Graph, artifact: Node): Named[] {
  const ids = edges
    .filter(edge => edge.from === artifact.id && edge.relation === 'hadMember')
    .map(edge => edge.to)
  const names = namesIn(artifact.attributes.parts)
  return nodes
    .filter(node => ids.includes(node.id))
    .map(node => ({ node, name: node.id, path: node.id, ...names.get(node.id) }))
}

function namesIn(parts: Json | undefined): Map<string, { name: string; path: string }> {
  const listed = Array.isArray(parts) ? parts : []
  return new Map(
    listed.map(part => {
      const { entity, name, path } = part as { entity: string; name: string; path: string }
      return [entity, { name, path }]
    }),
  )
}

function parentIn({ nodes, edges }: Graph, artifact: Node): Node | undefined {
  const edge = edges.find(
    one => one.from === artifact.id && one.relation === 'wasDerivedFrom' && one.role === 'model',
  )
  return edge && nodes.find(node => node.id === edge.to)
}

function isSource(kind: Sought): kind is BundleKind & Sought {
  return kind === 'train-source' || kind === 'serve-source'
}

/** Of a source it is not asked what it was sent for: its files decide. */
function isOf({ kind }: Node, sought: Sought): boolean {
  return kind === (isSource(sought) ? 'source' : sought)
}

function shown({ name, id }: Node): string {
  return name ?? id
}
