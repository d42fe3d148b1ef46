import { readFileSync } from 'node:fs'
import { Flags } from '@oclif/core'
import { KaosError } from '../../../api/errors.ts'
import type { BundleView, JobView, ModelRow, TrainAccepted } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import type { LocalBundle } from '../../bundles.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { trainingTable } from '../../listings.ts'
import { DONE } from '../../look.ts'
import { tableLines } from '../../table.ts'
import type { TrainingWish } from '../../training.ts'

type Outcome = (TrainAccepted & { models?: ModelRow[] }) | { dryRun: true; bundles: unknown[] }

export default class TrainDeploy extends KaosCommand {
  static override description =
    'What is not given stays as the last deploy set it, except the hyperparameters. The same inputs as those of a finished job start nothing; --again does.'
  static override examples = [
    '<%= config.bin %> train deploy -s templates/mnist/model-train -d templates/mnist/data',
    '<%= config.bin %> train deploy -h templates/mnist/hyperopt/params.json -p 2 --wait',
  ]
  static override flags = {
    source_bundle: Flags.directory({
      char: 's',
      summary: 'folder whose one child holds Dockerfile and model/train',
      exists: true,
    }),
    data_bundle: Flags.directory({
      char: 'd',
      summary: 'folder whose one child is the data',
      exists: true,
    }),
    hyperparams: Flags.file({
      char: 'h',
      summary: 'JSON object of lists: each point of their product is one trial',
      exists: true,
    }),
    parallelism: Flags.integer({ char: 'p', summary: 'trials at a time', min: 1, max: 1024 }),
    ...shared.resources,
    wait: shared.wait,
    follow: Flags.boolean({ summary: 'show the log until the end; includes --wait' }),
    again: Flags.boolean({ summary: 'train although a finished job has the same inputs' }),
    dry_run: Flags.boolean({ summary: 'check and measure the bundles, send nothing' }),
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.parse(TrainDeploy)
    const { hyperparams: file, source_bundle: source, data_bundle: data } = flags
    if (source === undefined && data === undefined && file === undefined && !flags.again) {
      const text = 'give at least one of -s/--source_bundle, -d/--data_bundle and -h/--hyperparams'
      throw new KaosError('USAGE', text)
    }
    const { checkTraining } = await import('../../training.ts')
    const text = file === undefined ? undefined : readFileSync(file, 'utf8')
    const wish = checkTraining({ ...flags, source, data, hyperparams: text })
    if (flags.dry_run) return this.#measure(wish)

    const session = await this.workspaceSession()
    const accepted = await this.#submit(session, wish, file)
    await this.#show(accepted)
    if (accepted.job === null || !(flags.wait || flags.follow)) return this.#leave(accepted)
    return this.#watch(session, accepted, accepted.job.jobId, flags.follow)
  }

  async #measure({ source, data, points }: TrainingWish): Promise<Outcome> {
    const { measureBundle } = await import('../../bundles.ts')
    const { byteText, countText } = await import('../../times.ts')
    const bundles: unknown[] = []
    for (const bundle of [source, data]) {
      if (bundle === undefined) continue
      const { name, files, bytes, tree } = await measureBundle(bundle)
      const size = `${countText(files, 'file')}, ${byteText(bytes)}`
      this.result(` ${DONE} ${wordOf(bundle)} bundle: /${name} (${size})`)
      bundles.push({ kind: bundle.kind, path: `/${name}`, files, bytes, tree })
    }
    if (points !== undefined) await this.#showPoints(points)
    this.info('dry run: nothing was sent; the server looks into the bundles when they arrive')
    return { dryRun: true, bundles }
  }

  async #submit(
    session: WorkspaceSession,
    wish: TrainingWish,
    file: string | undefined,
  ): Promise<TrainAccepted> {
    const source = wish.source && (await this.#send(session, wish.source))
    const data = wish.data && (await this.#send(session, wish.data))
    if (file !== undefined) this.result(`\nSubmitting hyperparams bundle: ${file}`)
    const request = { ...wish.request, source: source?.id, data: data?.id }
    const accepted = await session.client.post<TrainAccepted>(`${session.base}/train`, request)
    if (accepted.grid !== null) {
      this.result(` ${DONE} Setting hyperparameters bundle: /${accepted.grid.hash}/*`)
    }
    return accepted
  }

  async #send({ client, base }: WorkspaceSession, bundle: LocalBundle): Promise<BundleView> {
    const { submitBundle } = await import('../../bundles.ts')
    this.result(`\nSubmitting ${wordOf(bundle)} bundle: ${bundle.given}`)
    const view = await submitBundle(client, base, bundle, this.watched)
    this.result(` ${DONE} Setting ${wordOf(bundle)} bundle: ${view.path}`)
    return view
  }

  async #show({ grid, inputs, warnings, unchanged, job, build }: TrainAccepted): Promise<void> {
    const { inputsTable } = await import('../../training.ts')
    this.result()
    if (grid !== null) await this.#showPoints(grid.points)
    this.heading('CURRENT TRAINING INPUTS')
    this.result(tableLines(inputsTable(inputs)).join('\n'))
    this.result()
    for (const warning of warnings) this.caution(warning)
    if (unchanged && job !== null) {
      this.info(`unchanged: job ${job.jobId} has the same inputs; train anew with --again`)
      this.table(trainingTable([job]))
    } else if (job !== null) {
      this.info(`job ${job.jobId} was submitted`)
    } else if (build !== null) {
      this.info(`build job ${build.jobId} was submitted`)
    }
  }

  async #showPoints(points: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const { pointsTable } = await import('../../training.ts')
    this.heading(`CURRENT HYPERPARAMETERS (${points.length})`)
    this.result(tableLines(pointsTable(points)).join('\n'))
    this.result()
  }

  #leave(accepted: TrainAccepted): TrainAccepted {
    const { job, unchanged } = accepted
    if (job !== null && !unchanged) {
      this.info(`follow it with: kaos train logs -j ${job.jobId} --follow`)
    }
    return accepted
  }

  async #watch(
    session: WorkspaceSession,
    accepted: TrainAccepted,
    id: string,
    follow: boolean,
  ): Promise<Outcome> {
    const { jobEnd, jobFailure } = await import('../../watch.ts')
    const ending = jobEnd(session, session.base, id, text => this.note(text))
    const [end] = await Promise.all([ending, follow ? this.#follow(session, accepted, id) : null])
    if (end.job.state !== 'JOB_SUCCESS') {
      const failed = await this.#whatFailed(session, end)
      throw jobFailure(end.job, `kaos train logs -j ${failed}`)
    }
    for (const { modelId } of end.models) {
      if (modelId !== null) this.result(` ${DONE} Trained model_id: ${modelId}`)
    }
    if (end.pageCount > 1) this.info(`see all with kaos train info -j ${id} --page_id 1`)
    return { ...accepted, job: end.job, models: end.models }
  }

  async #follow({ client, base }: WorkspaceSession, accepted: TrainAccepted, id: string) {
    const { followLog } = await import('../../logs.ts')
    const builds = accepted.build === null ? [] : [accepted.build.jobId]
    for (const job of [...builds, id]) {
      await followLog(client, `${base}${path`/jobs/${job}/logs`}`, bytes => {
        process.stderr.write(bytes)
      })
    }
  }

  /** The build when that is what failed, else the training; shows the end of its log. */
  async #whatFailed({ client, base }: WorkspaceSession, end: JobView): Promise<string> {
    const build = end.build && (await client.get<JobView>(`${base}${path`/jobs/${end.build}`}`))
    const failed = build && build.job.state === 'JOB_FAILURE' ? build.job.jobId : end.job.jobId
    const { tailOf } = await import('../../logs.ts')
    const tail = await tailOf(client, `${base}${path`/jobs/${failed}/logs`}`)
    if (tail !== '') this.note(tail)
    return failed
  }
}

function wordOf({ kind }: LocalBundle): string {
  return kind === 'data' ? 'data' : 'source'
}
