import { KaosError } from '../../../api/errors.ts'
import type { JobRow, ReplayAccepted, ReplayRequest, ReplayView } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'

type Outcome = ReplayAccepted | ReplayView

export default class TrainReproduce extends KaosCommand {
  static override description =
    'Runs a model again from what the ledger and the store hold, in the image that was pinned, and says whether the same bytes come out: identical, within tolerance, or different, and then in which file, metric or package, and by experiment why (random numbers without a seed, the clock, packages). Nothing in force is changed. With --wait the exit code is 0 for identical and within tolerance, 1 for different, 5 when a run fails.'
  static override examples = [
    '<%= config.bin %> train reproduce -i 0 --wait',
    '<%= config.bin %> train reproduce -m e23a2_9fd9d:b82151 --times 3 --tolerance accuracy_test=0.01 --wait',
    '<%= config.bin %> train reproduce -i 0 --trial 2 --fresh --follow',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    model_id: Flags.string({
      char: 'm',
      summary: 'model instead of a job: its id, a part of it, a version, or @latest',
      helpValue: 'ID',
    }),
    trial: Flags.integer({ summary: 'of a job with several: which trial, from 0', min: 0 }),
    times: Flags.integer({ summary: 'runs to compare', min: 1, max: 20, default: 1 }),
    tolerance: Flags.string({
      summary: 'by how much a metric may differ, like accuracy=0.01; *=0.01 for all; repeatable',
      multiple: true,
      helpValue: 'METRIC=AMOUNT',
    }),
    fresh: Flags.boolean({
      summary: 'resolve the packages anew, to see whether the result depends on it',
    }),
    explain: Flags.boolean({
      summary: 'look for what the result depends on also when it is the same',
      exclusive: ['no_explain'],
    }),
    no_explain: Flags.boolean({ summary: 'no further runs that look for the cause' }),
    keep_model: Flags.boolean({ summary: 'keep what the first run makes as a model of its own' }),
    wait: Flags.boolean({ summary: 'wait for the verdict' }),
    follow: Flags.boolean({ summary: 'show the log until the end; includes --wait' }),
  }

  async run(): Promise<Outcome> {
    const { flags } = await this.parse(TrainReproduce)
    const { times, trial, fresh, keep_model: keep } = flags
    const explain = flags.explain ? 'always' : flags.no_explain ? 'never' : 'unlike'
    const tolerance = tolerancesOf(flags.tolerance ?? [])
    const session = await this.workspaceSession()
    const request: ReplayRequest = {
      ...(await this.#named(flags, session)),
      times,
      tolerance,
      explain,
      ...(trial === undefined ? {} : { trial }),
      ...(fresh && { fresh }),
      ...(keep && { keep }),
    }
    const { client, base } = session
    const accepted = await client.post<ReplayAccepted>(`${base}/replays`, request)
    for (const warning of accepted.warnings) this.caution(warning)
    const { jobId } = accepted.job
    this.info(`job ${jobId} runs ${accepted.of.modelId} again`)
    if (flags.wait || flags.follow) return this.#watch(session, accepted, flags.follow)
    this.info(`see what came of it with: kaos train info -j ${jobId}`)
    return accepted
  }

  async #named(
    flags: { job_id?: string | undefined; ind?: number | undefined; model_id?: string | undefined },
    session: WorkspaceSession,
  ): Promise<Pick<ReplayRequest, 'job' | 'model'>> {
    const { job_id, ind, model_id: model } = flags
    if (model === undefined) {
      const choice = { option: '-j/--job_id or -m/--model_id', name: job_id, ind }
      return { job: await this.chosenOf(session, choice, 'train') }
    }
    if (job_id === undefined && ind === undefined) return { model }
    throw new KaosError('USAGE', 'give a model with -m, or a job with -j or -i, not both')
  }

  async #watch(
    session: WorkspaceSession,
    { job, build }: ReplayAccepted,
    follow: boolean,
  ): Promise<ReplayView> {
    const { client, base } = session
    const { jobEnd, jobFailure } = await import('../../watch.ts')
    const ending = jobEnd(session, base, job.jobId, text => this.note(text))
    const jobs = [...(build ? [build.jobId] : []), job.jobId]
    await Promise.all([ending, follow ? this.#follow(session, jobs) : null])
    const view = await client.get<ReplayView>(`${base}${path`/replays/${job.jobId}`}`)
    if (view.verdict !== null) {
      const { replayText } = await import('../../replay-texts.ts')
      this.result(replayText(view).trimEnd())
    }
    const { state, reason } = view.job
    // A build that failed names its own log.
    if (state === 'JOB_FAILURE' && reason?.includes('; see: kaos train logs -j')) {
      throw new KaosError('JOB_FAILED', `job ${job.jobId} failed: ${reason}`, { detail: { job } })
    }
    if (state !== 'JOB_SUCCESS') throw jobFailure(view.job, logsOf(view.job))
    if (view.verdict?.verdict === 'different') process.exitCode = 1
    return view
  }

  async #follow({ client, base }: WorkspaceSession, jobs: readonly string[]): Promise<void> {
    const { followLog } = await import('../../logs.ts')
    for (const job of jobs) {
      await followLog(client, `${base}${path`/jobs/${job}/logs`}`, bytes => {
        process.stderr.write(bytes)
      })
    }
  }
}

function logsOf({ jobId }: JobRow): string {
  return `kaos train logs -j ${jobId}`
}

function tolerancesOf(texts: readonly string[]): Record<string, number> {
  const pairs = texts.map(text => {
    const at = text.lastIndexOf('=')
    const amount = text.slice(at + 1).trim()
    const value = Number(amount)
    if (at > 0 && amount !== '' && Number.isFinite(value) && value >= 0) {
      return [text.slice(0, at).trim(), value] as const
    }
    const form = 'give a metric and an amount from 0, like accuracy=0.01'
    throw new KaosError('USAGE', `--tolerance ${text} is not understood; ${form}`)
  })
  return Object.fromEntries(pairs)
}
