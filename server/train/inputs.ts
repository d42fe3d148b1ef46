/* The inputs in force: what a `train deploy` leaves out stays as the last one set it, except the
 * grid. They are pointers, so each change is a fact; jobs keep their own copy and never look here. */
import type { Resources } from '../../api/attempts.ts'
import { shortDigest } from '../../api/ids.ts'
import type { TrainInputs } from '../../api/wire.ts'
import type { Expectation, Ledger, Move, Node } from '../../graph/ledger.ts'
import type { Board } from '../jobs/board.ts'
import { imageName, imagePointer } from '../jobs/images.ts'
import { readPointer, readRecord } from '../jobs/reading.ts'
import { keyOf } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { ingestedPointer } from './data.ts'

export const INPUTS = ['source', 'data', 'hyper', 'resources', 'parallelism'] as const
export type Targets = { readonly [name in (typeof INPUTS)[number]]: string | null }

/** What the pointers of a workspace name. */
export async function readTargets(ledger: Ledger, workspace: string): Promise<Targets> {
  const prefix = `inputs/${workspace}/`
  const pointers = await ledger.pointers(prefix)
  const target = (name: string): string | null =>
    pointers.find(pointer => pointer.name === prefix + name)?.target ?? null
  return {
    source: target('source'),
    data: target('data'),
    hyper: target('hyper'),
    resources: target('resources'),
    parallelism: target('parallelism'),
  }
}

/** The moves from one state to the other, and what must still hold when they are made. */
export function changesOf(
  workspace: string,
  before: Targets,
  after: Targets,
): { moves: Move[]; expect: Expectation[] } {
  const pointer = (name: string): string => `inputs/${workspace}/${name}`
  const changed = INPUTS.filter(name => before[name] !== after[name])
  return {
    moves: changed.map(name => ({ pointer: pointer(name), target: after[name] })),
    expect: INPUTS.map(name => ({ pointer: pointer(name), target: before[name] })),
  }
}

export function resourcesOf(targets: Targets): Resources {
  return targets.resources === null ? {} : (JSON.parse(targets.resources) as Resources)
}

export function parallelismOf(targets: Targets): number {
  return targets.parallelism === null ? 1 : Number(targets.parallelism)
}

/** How people see them. */
export async function inputsView(
  board: Board,
  workspace: Workspace,
  targets: Targets,
): Promise<TrainInputs> {
  const { ledger } = board.parts
  const node = async (id: string | null): Promise<Node | undefined> =>
    id === null ? undefined : ledger.node(id)
  const [source, data, hyper] = await Promise.all([
    node(targets.source),
    node(targets.data),
    node(targets.hyper),
  ])
  return {
    image: source ? await imageState(board, workspace, source) : { state: 'missing' },
    data: data ? await dataState(board, workspace, data) : { state: 'missing' },
    hyperparams: hyper ? { state: 'set', value: `/${hyper.name}/*` } : { state: 'missing' },
    parallelism: parallelismOf(targets),
    resources: resourcesOf(targets),
  }
}

async function dataState(
  board: Board,
  workspace: Workspace,
  node: Node,
): Promise<TrainInputs['data']> {
  const { ledger } = board.parts
  if (node.kind === 'data' || node.kind === 'model') return { state: 'set', value: `/${node.name}` }
  if (await readRecord(ledger, keyOf.ingesting(node.id))) {
    return { state: 'building', value: `/${node.name}` }
  }
  const known = await readPointer(ledger, ingestedPointer(workspace.id, node.id))
  const data = known === null ? undefined : await ledger.node(known)
  return data ? { state: 'set', value: `/${data.name}` } : { state: 'missing' }
}

async function imageState(
  board: Board,
  workspace: Workspace,
  source: Node,
): Promise<TrainInputs['image']> {
  const { ledger, settings } = board.parts
  const pointer = imagePointer(settings, 'train', source)
  const value = imageName('train', workspace.name, shortDigest(source.digest!))
  if ((await readPointer(ledger, pointer)) !== null) return { state: 'set', value }
  const building = await readRecord(ledger, keyOf.building(pointer))
  return building ? { state: 'building', value } : { state: 'missing' }
}
