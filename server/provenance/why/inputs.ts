/* What something was made of, by role: things of the graph, which are compared by content, and values
 * beside them. */
import { canonical } from '../../../graph/canonical.ts'
import type { Edge, Graph, Json, Ledger, Node } from '../../../graph/ledger.ts'
import type { Store } from '../../../store/store.ts'
import { find } from '../train.ts'
import { type Surroundings, surroundingsOf } from './surroundings.ts'

export interface Input {
  readonly role: string
  readonly node?: Node
  /** Of what is no thing of its own: a text that is equal exactly if the input is. */
  readonly value?: string
  /** How people see the value. */
  readonly shown?: string
}

export interface Making {
  /** `trained`, `built`, `fetched`, `pushed`, … */
  readonly how: string
  readonly inputs: ReadonlyMap<string, Input>
  readonly surroundings?: Surroundings
  readonly hyperparams?: { readonly [name: string]: Json }
}

interface Room {
  readonly ledger: Ledger
  readonly store: Pick<Store, 'get'>
}

/** model, trial, job, build, what that ran in. */
const STEPS = 4

export async function makingOf({ ledger, store }: Room, node: Node): Promise<Making> {
  const graph = await ledger.lineage(node.id, { direction: 'up', depth: STEPS })
  const activity = find(graph, node.id, 'wasGeneratedBy')
  if (activity?.kind === 'trial') return trained(store, graph, activity)
  return otherwise(graph, node, activity)
}

async function trained(store: Room['store'], graph: Graph, trial: Node): Promise<Making> {
  const used = (from: Node | undefined, role: string) => from && find(graph, from.id, 'used', role)
  const image = used(trial, 'image')
  const build = image && find(graph, image.id, 'wasGeneratedBy')
  const job = find(graph, trial.id, 'wasInformedBy')
  const surroundings = await surroundingsOf(
    store,
    used(trial, 'environment'),
    used(build, 'environment'),
  )
  const { packages, base, facts } = surroundings
  const { hyper, resources, runner } = trial.attributes
  const inputs: Input[] = [
    ...thing('code', used(job, 'code') ?? used(build, 'code')),
    ...thing('data', used(trial, 'data')),
    ...point(hyper, used(trial, 'hyperparams')),
    ...value('base', base || canonical(build?.attributes.buildArgs ?? {})),
    ...value('packages', canonical(Object.fromEntries(packages)), `${packages.size} packages`),
    ...thing('image', image),
    ...value('environment', canonical(Object.fromEntries(facts)), `${facts.size} facts`),
    ...value('resources', canonical(resources ?? {})),
    ...value('runner', String(runner ?? '')),
  ]
  const values = Object(hyper ?? {}).values as Making['hyperparams']
  return {
    how: 'trained',
    inputs: new Map(inputs.map(input => [input.role, input])),
    surroundings,
    ...(values && { hyperparams: values }),
  }
}

/** The values of the point count, not the grid that they were taken from. */
function point(hyper: Json | undefined, grid: Node | undefined): Input[] {
  if (typeof hyper !== 'object' || hyper === null) return thing('hyperparams', grid)
  const { values, file } = hyper as { values?: Json; file?: Json }
  return values === undefined
    ? value('hyperparams', canonical(hyper as Json), String(file))
    : value('hyperparams', canonical(values), String(file ?? ''))
}

function otherwise(graph: Graph, node: Node, activity: Node | undefined): Making {
  const edges = graph.edges.filter(edge => isInput(edge, node, activity))
  const inputs = new Map<string, Input>()
  for (const { to, role, relation } of edges) {
    const input = graph.nodes.find(one => one.id === to)
    // An activity used what its result was derived from: one input.
    if (!input || [...inputs.values()].some(one => one.node?.id === to)) continue
    const part = role ?? (relation === 'wasDerivedFrom' ? 'from' : relation)
    let name = part
    for (let number = 2; inputs.has(name); number++) name = `${part} ${number}`
    inputs.set(name, { role: name, node: input })
  }
  return { how: howOf(activity), inputs }
}

/** What it was derived from by content, and what its activity used. */
function isInput({ from, relation, role }: Edge, node: Node, activity: Node | undefined): boolean {
  if (relation === 'used') return from === activity?.id && role !== 'environment'
  if (relation === 'hadMember') return from === node.id
  return relation === 'wasDerivedFrom' && from === node.id && role !== 'revision'
}

const HOW: Record<string, string> = { build: 'built', import: 'pushed', deploy: 'deployed' }

function howOf(activity: Node | undefined): string {
  if (!activity) return 'derived'
  if (activity.kind === 'import' && activity.attributes.role === 'ingest') return 'fetched'
  return HOW[activity.kind] ?? activity.kind
}

function thing(role: string, node: Node | undefined): Input[] {
  return node ? [{ role, node }] : []
}

function value(role: string, text: string, shown = text): Input[] {
  return text === '' || text === '{}' ? [] : [{ role, value: text, shown }]
}
