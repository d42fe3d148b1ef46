/** All that it takes to run a training again: what `kaos train checkout` writes down. */
import { KaosError } from '../../api/errors.ts'
import { gridOfPoint } from '../../api/grid.ts'
import type { Recipe } from '../../api/wire.ts'
import type { Node } from '../../graph/ledger.ts'
import { entryAt, readSmallFile } from '../../store/trees.ts'
import { hyperOf } from '../attempts/orders.ts'
import { artifactOf } from '../jobs/artifacts.ts'
import type { Board } from '../jobs/board.ts'
import { imageOf } from '../jobs/images.ts'
import type { JobRecord } from '../jobs/records.ts'
import type { Workspace } from '../parts.ts'
import { trialIndex } from '../replay/original.ts'
import { requirementsOf } from '../replay/requirements.ts'

const TEXT_MAX = 16 * 1024 * 1024

/** `trial`: only that point of the grid. */
export async function recipeOf(
  board: Board,
  workspace: Workspace,
  job: JobRecord,
  trial: number | undefined,
): Promise<Recipe> {
  const { ledger, store, presence, intake } = board.parts
  const { source, data, image } = requireRun(job)
  const nodes = await Promise.all([source, data, image].map(id => ledger.node(id)))
  const [code, , built] = nodes as [Node, Node, Node]
  await intake.relying(async (_, epoch) => {
    for (const node of nodes) await presence.require(node!, epoch)
  })
  const { name, kind, tree, manifest = null } = imageOf(built)
  const environment = await environmentOf(board, job, built)
  return {
    job: job.id,
    workspace: workspace.name,
    code: await artifactOf(board, source),
    data: await artifactOf(board, data),
    hyperparams: await hyperparamsOf(board, job, trial),
    parallelism: job.train!.parallelism,
    resources: job.resources,
    git: await gitOf(board, job),
    image: { name, kind, tree, manifest },
    environment,
    lock: await lockOf(board, built, environment.packages),
    unpinned: [...((await requirementsOf(store, code.digest!))?.unpinned ?? [])],
  }
}

function requireRun({ id, train }: JobRecord) {
  const { source, data, image } = train!
  if (data !== null && image !== null) return { source, data, image }
  const next = `see: kaos train info -j ${id}`
  throw new KaosError(
    'JOB_RUNNING',
    `job ${id} has not run: it lacks its image or its data; ${next}`,
  )
}

async function gitOf({ parts }: Board, { id }: JobRecord): Promise<Recipe['git']> {
  const { git } = (await parts.ledger.node(id))?.attributes ?? {}
  return (git as { code?: Recipe['git'] } | undefined)?.code ?? null
}

async function hyperparamsOf(
  board: Board,
  job: JobRecord,
  trial: number | undefined,
): Promise<string | null> {
  const { hyper } = job.train!
  const index = trial === undefined ? undefined : trialIndex(job, trial)
  if (hyper === null) return null
  if (index !== undefined) {
    return gridOfPoint((await hyperOf(board, job.train!, index))?.text ?? '{}')
  }
  const node = (await board.parts.ledger.node(hyper))!
  return (await readSmallFile(board.parts.store, node.digest!, TEXT_MAX)).toString('utf8')
}

/** Of the first run and, below it, of the build. */
async function environmentOf(
  { parts: { ledger, store } }: Board,
  { environment }: JobRecord,
  image: Node,
): Promise<Record<string, unknown>> {
  const { nodes } = await ledger.lineage(image.id, {
    direction: 'up',
    depth: 2,
    relations: ['wasGeneratedBy', 'used'],
  })
  const built = nodes.find(({ kind }) => kind === 'environment')?.digest
  const records: Record<string, unknown>[] = []
  for (const digest of [built, environment]) {
    if (!digest) continue
    const bytes = await readSmallFile(store, digest, TEXT_MAX)
    records.push(JSON.parse(bytes.toString('utf8')))
  }
  return Object.assign({}, ...records)
}

/** As the build locked it; of an OCI image what was found inside. */
async function lockOf({ parts }: Board, image: Node, packages: unknown): Promise<string> {
  const { store } = parts
  const locked = image.attributes.kind === 'environment'
  const entry = locked ? await entryAt(store, image.digest!, 'requirements.lock') : undefined
  if (entry) return (await readSmallFile(store, entry, TEXT_MAX)).toString('utf8')
  if (locked || !Array.isArray(packages)) return ''
  return packages.map(line => `${String(line)}\n`).join('')
}
