import { KaosError } from '../../../api/errors.ts'
import type { JobView, ModelRow, TrainAccepted, TrainRequest } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import type { LocalBundle } from '../../bundles.ts'
import { forget } from '../../caches.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { trainingTable } from '../../listings.ts'
import { DONE } from '../../look.ts'
import type { LocalManifest } from '../../manifests.ts'
import { Flags } from '../../options.ts'
import { tableLines } from '../../table.ts'
import type { Given, TrainingWish } from '../../training.ts'

type Outcome = (TrainAccepted & { models?: ModelRow[] }) | { dryRun: true; bundles: unknown[] }

export default class TrainDeploy extends KaosCommand {
  static override description =
    'What is not given stays as the last deploy set it, except the hyperparameters. The same inputs as those of a finished job start nothing; --again does. Without -s, -d, -m, -h and -f the kaos.yaml in the current folder is deployed, as kaos train checkout writes it; options given beside a file stand instead of what it says.'
  static override examples = [
    '<%= config.bin %> train deploy -s templates/mnist/model-train -d templates/mnist/data',
    '<%= config.bin %> train deploy -s templates/mnist/model-train -m features.jsonl --wait',
    '<%= config.bin %> train deploy -s mnist:e23a2 -d features@v3 --wait',
    '<%= config.bin %> train deploy -f digits/kaos.yaml --wait',
    '<%= config.bin %> train deploy -h templates/mnist/hyperopt/params.json -p 2 --wait',
  ]
  static override flags = {
    source_bundle: Flags.string({
      char: 's',
      summary: 'folder whose one child holds Dockerfile and model/train; or a source that was sent',
      helpValue: 'DIR|REF',
    }),
    data_bundle: Flags.string({
      char: 'd',
      summary: 'folder whose one child is the data; or a data set, like features@v3',
      helpValue: 'DIR|REF',
    }),
    data_manifest: Flags.file({
      char: 'm',
      summary: 'instead: JSON lines of {url, path, sha256?, size?}, which the server fetches',
      exists: true,
      exclusive: ['data_bundle'],
    }),
    hyperparams: Flags.file({
      char: 'h',
      summary: 'JSON object of lists: each point of their product is one trial',
      exists: true,
    }),
    file: Flags.file({
      char: 'f',
      summary: 'kaos.yaml that names code, data, hyperparameters, and the job it came from',
      exists: true,
    }),
    parallelism: Flags.integer({ char: 'p', summary: 'trials at a time', min: 1, max: 1024 }),
    ...shared.resources,
    wait: shared.wait,
    follow: Flags.boolean({ summary: 'show the log until the end; includes --wait' }),
    again: Flags.boolean({
      summary: 'train although a finished job has the same inputs, fetch a manifest anew',
    }),
    from: Flags.string({
      summary: 'training that this one was made from, as train tree shows it',
      helpValue: 'JOB',
    }),
    no_cache: shared.noCache,
    dry_run: Flags.boolean({ summary: 'check and measure bundles and manifest, send nothing' }),
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.parse(TrainDeploy)
    const { askedOf, requireWorkspace, saidFor } = await import('../../asked-experiment.ts')
    const said = await saidFor(flags, text => this.note(text))
    const { source, data, manifest, text, more } = askedOf(flags, said)
    if (!flags.again && [source, data, manifest, text].every(one => one === undefined)) {
      const others = '-s/--source_bundle, -d/--data_bundle, -m/--data_manifest'
      throw new KaosError('USAGE', `give at least one of ${others}, -h/--hyperparams and -f/--file`)
    }
    const { checkTraining } = await import('../../training.ts')
    const wish = checkTraining({ ...more, source, data, manifest, hyperparams: text })
    if (flags.dry_run) return this.#measure(wish)

    const session = await this.workspaceSession()
    requireWorkspace(session.workspace, said)
    const place = flags.hyperparams ?? said.hyperparams?.file ?? (text && said.place)
    const accepted = await this.#submit(session, wish, place)
    await this.#show(accepted)
    const job = accepted.job ?? accepted.ingest
    if (!job || !(flags.wait || flags.follow)) return this.#leave(accepted)
    return this.#watch(session, accepted, job.jobId, flags.follow)
  }

  async #measure({ source, data, manifest, points }: TrainingWish): Promise<Outcome> {
    const { measureBundle } = await import('../../bundles.ts')
    const { byteText, countText } = await import('../../times.ts')
    const bundles: unknown[] = []
    for (const bundle of [source, data]) {
      if (bundle === undefined) continue
      if ('reference' in bundle) {
        this.result(` ${DONE} ${wordOf(bundle)} bundle: ${bundle.reference} (not looked up)`)
        bundles.push(bundle)
        continue
      }
      const { name, files, bytes, tree } = await measureBundle(bundle)
      const size = `${countText(files, 'file')}, ${byteText(bytes)}`
      this.result(` ${DONE} ${wordOf(bundle)} bundle: /${name} (${size})`)
      bundles.push({ kind: bundle.kind, path: `/${name}`, files, bytes, tree })
    }
    if (manifest !== undefined) {
      const name = `/manifest:${manifest.hash}`
      const files = manifest.files.length
      this.result(` ${DONE} data manifest bundle: ${name} (${countText(files, 'file')})`)
      bundles.push({ kind: 'manifest', path: name, files })
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
    const manifest =
      wish.manifest && (await this.#sendManifest(session, wish.manifest, wish.request))
    if (file !== undefined) this.result(`\nSubmitting hyperparams bundle: ${file}`)
    const git = await gitOf(wish)
    const parts = { source: source?.id, data: data?.id, ...(git && { git }) }
    const request = { ...wish.request, ...manifest, ...parts }
    const accepted = await session.client.post<TrainAccepted>(`${session.base}/train`, request)
    // What was listed before is no longer what a list would show.
    if (!accepted.unchanged) forget(session.folder, ['train'])
    if (accepted.manifest !== undefined) {
      this.result(` ${DONE} Setting data manifest bundle: /${accepted.manifest.name}`)
    }
    if (accepted.grid !== null) {
      this.result(` ${DONE} Setting hyperparameters bundle: /${accepted.grid.hash}/*`)
    }
    return accepted
  }

  async #send(session: WorkspaceSession, bundle: Given): Promise<{ id: string }> {
    if ('reference' in bundle) return this.#find(session, bundle)
    const { client, base } = session
    const { submitBundle } = await import('../../bundles.ts')
    this.result(`\nSubmitting ${wordOf(bundle)} bundle: ${bundle.given}`)
    const view = await submitBundle(client, base, bundle, this.sending)
    this.result(` ${DONE} Setting ${wordOf(bundle)} bundle: ${view.path}`)
    return view
  }

  async #find(
    session: WorkspaceSession,
    { kind, reference }: { kind: LocalBundle['kind']; reference: string },
  ): Promise<{ id: string }> {
    const { findGiven } = await import('../../catalogue/given.ts')
    const { entity, name, reference: whole } = await findGiven(session, kind, reference)
    const place = whole === name ? '' : ` (${whole})`
    this.result(`\n ${DONE} Setting ${wordOf({ kind })} bundle: /${name}${place}`)
    return { id: entity }
  }

  async #sendManifest(
    { client, base }: WorkspaceSession,
    manifest: LocalManifest,
    rest: TrainingWish['request'],
  ) {
    const { submitManifest } = await import('../../manifests.ts')
    this.result(`\nSubmitting data manifest bundle: ${manifest.given}`)
    const beside = Buffer.byteLength(JSON.stringify(rest))
    return submitManifest(client, base, manifest, beside)
  }

  async #show({ grid, inputs, warnings, unchanged, ...made }: TrainAccepted): Promise<void> {
    const { inputsTable } = await import('../../training.ts')
    const { job, build, ingest, manifest } = made
    this.result()
    if (grid !== null) await this.#showPoints(grid.points)
    this.heading('CURRENT TRAINING INPUTS')
    this.result(tableLines(inputsTable(inputs)).join('\n'))
    this.result()
    for (const warning of warnings) this.caution(warning)
    if (manifest?.unchanged) {
      this.info(`unchanged: ${manifest.name} was fetched before; fetch it anew with --again`)
    }
    if (ingest) this.info(`ingestion job ${ingest.jobId} fetches the data`)
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
      this.info(`watch it with: kaos train watch -j ${job.jobId}`)
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
    if (end.job.kind === 'ingest') return { ...accepted, ingest: end.job }
    return { ...accepted, job: end.job, models: end.models }
  }

  async #follow({ client, base }: WorkspaceSession, accepted: TrainAccepted, id: string) {
    const { followLog } = await import('../../logs.ts')
    const before = [accepted.build, accepted.ingest].flatMap(job => (job ? [job.jobId] : []))
    for (const job of new Set([...before, id])) {
      await followLog(client, `${base}${path`/jobs/${job}/logs`}`, bytes => {
        process.stderr.write(bytes)
      })
    }
  }

  /** The build or ingestion when that is what failed, else the training; shows the end of its log. */
  async #whatFailed({ client, base }: WorkspaceSession, end: JobView): Promise<string> {
    let failed = end.job.jobId
    for (const id of [end.build, end.ingest]) {
      if (!id) continue
      const { job } = await client.get<JobView>(`${base}${path`/jobs/${id}`}`)
      if (job.state === 'JOB_FAILURE') failed = job.jobId
    }
    const { tailOf } = await import('../../logs.ts')
    const tail = await tailOf(client, `${base}${path`/jobs/${failed}/logs`}`)
    if (tail !== '') this.note(tail)
    return failed
  }
}

function wordOf({ kind }: { kind: LocalBundle['kind'] }): string {
  return kind === 'data' ? 'data' : 'source'
}

/** What git knows of the folders that are sent. */
async function gitOf({ source, data }: TrainingWish): Promise<TrainRequest['git']> {
  const { gitStateOf } = await import('../../git.ts')
  const of = (given: TrainingWish['source']) =>
    given && 'folder' in given ? gitStateOf(given.folder) : undefined
  const [code, dataState] = await Promise.all([of(source), of(data)])
  if (code === undefined && dataState === undefined) return undefined
  return { ...(code && { code }), ...(dataState && { data: dataState }) }
}
