/* Images: one per source, base image and kind of runner. Whoever needs one finds it, joins the build
 * that is under way, or starts one, in the same commit that writes down the need. */
import { createHash } from 'node:crypto'
import type { BuildWork, Image } from '../../api/attempts.ts'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { shortDigest } from '../../api/ids.ts'
import type { NewNode, Node } from '../../graph/ledger.ts'
import { entryAt } from '../../store/trees.ts'
import type { Settings, Workspace } from '../parts.ts'
import { type Board, makeReady, type Plan, saveJob, startingJob } from './board.ts'
import { absent, readPointer, readRecord, same, write } from './reading.ts'
import { type JobRecord, keyOf } from './records.ts'

type Purpose = BuildWork['purpose']

export interface Needed {
  readonly pointer: string
  readonly name: string
  /** Entity; null while it is built. */
  readonly image: string | null
  /** The build under way, or the one it came from. */
  readonly build: JobRecord | undefined
  /** Whether this need starts the build. */
  readonly started: boolean
}

/** `build-train-mnist:e23a2` */
export function imageName(purpose: Purpose, workspace: string, hash: string): string {
  return `build-${purpose}-${workspace}:${hash}`
}

/** Names the image of this source on this installation's base image and runner. */
export function imagePointer(settings: Settings, purpose: Purpose, source: NewNode): string {
  const recipe = JSON.stringify([settings.baseImage ?? null, settings.runner])
  const hash = createHash('sha256').update(recipe).digest('hex').slice(0, 16)
  return `image/${source.workspace}/${purpose}/${source.id}/${hash}`
}

/** Plans what it takes to have the image of a source. */
export async function needImage(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  purpose: Purpose,
  source: NewNode,
): Promise<Needed> {
  const { ledger, settings } = board.parts
  const pointer = imagePointer(settings, purpose, source)
  const name = imageName(purpose, workspace.name, shortDigest(source.digest!))
  const image = await readPointer(ledger, pointer)
  plan.expect.push({ pointer, target: image })
  const building = await readRecord<{ job: string }>(ledger, keyOf.building(pointer))
  if (image !== null || building) {
    const id = building?.value.job ?? String((await ledger.node(image!))?.attributes.build)
    if (building) plan.expect.push(same(building))
    const build = (await readRecord<JobRecord>(ledger, keyOf.job(workspace.id, id)))?.value
    return { pointer, name, image, build, started: false }
  }
  const build = await planBuild(board, plan, workspace, purpose, source, { pointer, name })
  return { pointer, name, image: null, build, started: true }
}

/** Plans a build. `fresh`: its packages are to be resolved anew. */
export async function planBuild(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  purpose: Purpose,
  source: NewNode,
  image: { pointer: string; name: string; fresh?: boolean },
): Promise<JobRecord> {
  const job = await newBuild(board, plan, workspace, purpose, source, image)
  const id = job.id
  plan.expect.push(absent(keyOf.building(image.pointer)))
  plan.records.push(
    write(keyOf.building(image.pointer), { job: id }),
    write(keyOf.open(workspace.id, id), {}),
  )
  plan.statements.push({
    type: 'build.submitted',
    workspace: workspace.id,
    nodes: [
      {
        id,
        class: 'activity',
        kind: 'build',
        workspace: workspace.id,
        name: image.name,
        attributes: {
          purpose,
          buildArgs: job.build!.work.buildArgs,
          ...(image.fresh && { fresh: true }),
        },
      },
    ],
    edges: [
      { from: id, relation: 'used', to: source.id, role: 'code' },
      { from: id, relation: 'wasAssociatedWith', to: plan.actor },
    ],
  })
  saveJob(board, plan, job)
  makeReady(board, plan, { kind: 'build', id, workspace: workspace.id, job: id }, job.started)
  return job
}

async function newBuild(
  board: Board,
  plan: Plan,
  workspace: Workspace,
  purpose: Purpose,
  source: NewNode,
  image: { pointer: string; name: string; fresh?: boolean },
): Promise<JobRecord> {
  const { settings, store } = board.parts
  const tree = source.digest!
  const model = await entryAt(store, tree, 'model')
  if (model?.kind !== 'folder') {
    throw new KaosError('INVALID_BUNDLE', `source bundle ${source.name} has no model/ folder`)
  }
  const buildArgs: Record<string, string> = {}
  if (settings.baseImage !== undefined) buildArgs.BASE_IMAGE = settings.baseImage
  return {
    ...startingJob(board, workspace, `build-${purpose}`, plan.actor),
    build: {
      work: {
        kind: 'build',
        purpose,
        image: image.name,
        source: tree,
        folder: String(source.attributes.folder),
        program: model.digest,
        buildArgs,
        ...(image.fresh && { fresh: true }),
      },
      source: source.id,
      imagePointer: image.pointer,
      image: null,
      attempt: null,
      traces: [],
    },
  }
}

/** The image as a worker needs it. */
export function imageOf(node: Node): Image {
  const { kind, manifest, program, labels } = node.attributes
  return {
    name: node.name!,
    kind: kind as Image['kind'],
    tree: node.digest!,
    ...(manifest ? { manifest: manifest as Digest } : {}),
    program: program as Digest,
    labels: labels as Record<string, string>,
  }
}
