/* What the ledger keeps of a training beside its records: the commits of what was sent, the image it
 * ran in, and how each trial went. */
import type { Digest } from '../../api/digest.ts'
import type { GitState, JobView, TrialRun } from '../../api/wire.ts'
import type { Ledger, Node } from '../../graph/ledger.ts'
import { placesOf } from '../catalogue/versions.ts'
import type { Board } from './board.ts'
import type { JobRecord, TrialRecord } from './records.ts'

export async function historyOf(
  { parts: { ledger } }: Board,
  { id, train }: JobRecord,
): Promise<Pick<JobView, 'git' | 'image' | 'modelsUsed'>> {
  if (!train) return {}
  const job = await ledger.node(id)
  const image = train.image === null ? undefined : await ledger.node(train.image)
  const data = train.data === null ? undefined : await ledger.node(train.data)
  const { git } = (job?.attributes ?? {}) as { git?: { code?: GitState; data?: GitState } }
  const { manifest } = (image?.attributes ?? {}) as { manifest?: Digest }
  return {
    ...(git && { git }),
    ...(data?.kind === 'model' && { modelsUsed: [await usedModel(ledger, data)] }),
    image: image
      ? {
          entity: image.id,
          name: image.name ?? image.id,
          digest: image.digest ?? null,
          ...(manifest && { manifest }),
        }
      : null,
  }
}

async function usedModel(ledger: Ledger, model: Node) {
  const places = await placesOf(ledger, model.workspace ?? '', model.id)
  const versions = places.map(({ repository, number }) => `${repository}@v${number}`)
  return { modelId: model.name ?? model.id, entity: model.id, versions }
}

/** Null for a trial that never came to a worker. */
export async function runOf(
  { parts: { ledger } }: Board,
  { id }: Pick<TrialRecord, 'id'>,
): Promise<TrialRun | null> {
  const node = await ledger.node(id)
  if (!node || node.attributes.attempt === undefined) return null
  const {
    number,
    worker,
    runner,
    startedAt,
    finishedAt,
    exit,
    usage,
    log,
    measurements,
    metricHistory,
  } = node.attributes as unknown as Omit<TrialRun, 'attempt'> & { number: number }
  return {
    ...{ attempt: number, worker, runner },
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(exit !== undefined && { exit }),
    ...(usage !== undefined && { usage }),
    ...(log !== undefined && { log }),
    ...(measurements !== undefined && { measurements }),
    ...(metricHistory !== undefined && { metricHistory }),
  }
}
