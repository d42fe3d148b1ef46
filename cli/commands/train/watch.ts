import { KaosError } from '../../../api/errors.ts'
import type { JobView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { DONE } from '../../look.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'
import type { Printer } from '../../watching/printers.ts'

export default class TrainWatch extends KaosCommand {
  static override description =
    'On a terminal metrics and measurements stand below the log, with their curves; elsewhere all comes as lines. Ends when the job has, with exit 5 when it failed. Ctrl-C leaves the job running. Of a grid all trials are watched, or one of them with --trial.'
  static override examples = [
    '<%= config.bin %> train watch -i 0',
    '<%= config.bin %> train watch -j @latest --trial 3',
    '<%= config.bin %> train watch -i 0 --json | grep metric',
  ]
  static override enableJsonFlag = false
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    trial: Flags.integer({
      summary: 'only this one of a grid, by its place in it, from 0',
      min: 0,
    }),
    json: Flags.boolean({ summary: 'a line of JSON for each thing that happens' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(TrainWatch)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base } = session
    const asked = await this.chosenOf(session, choice, 'train')
    const { job } = await client.get<JobView>(`${base}${path`/jobs/${asked}`}`)
    const { trial } = flags
    const { total } = { total: 1, ...job.progress }
    if (trial !== undefined && (job.kind === 'ingest' || trial >= total))
      this.#noTrial(trial, total)
    const grid = job.kind === 'train' && total > 1 && trial === undefined

    const id = job.jobId
    const printer = await this.#printer(grid, flags.json)
    const { unlessLeft } = await import('../../watch.ts')
    const { watchJob } = await import('../../watching/feed.ts')
    const leave = () => {
      printer.end()
      this.note(
        `\nthe job goes on; watch it again with: kaos train watch -j ${id}; end it with: kaos train kill -j ${id}`,
      )
    }
    const watched = { client, base, id, trial, log: !grid }
    const end = await unlessLeft(leave, () => watchJob(watched, event => printer.tell(event)))
    printer.end()
    await this.#tellEnd(end, flags.json, trial)
  }

  async #printer(grid: boolean, json: boolean): Promise<Printer> {
    const printers = await import('../../watching/printers.ts')
    if (json) return printers.jsonPrinter(process.stdout)
    if (process.stdout.isTTY) return new printers.ScreenPrinter(process.stdout, grid)
    return printers.plainPrinter(process.stdout, grid)
  }

  async #tellEnd(
    { job, models, pageCount }: JobView,
    json: boolean,
    trial?: number,
  ): Promise<void> {
    const { jobFailure } = await import('../../watch.ts')
    const [row] = models
    const { state, reason } = trial === undefined || !row ? job : row
    const failure = jobFailure({ ...job, state, reason }, `kaos train logs -j ${job.jobId}`)
    const failed = state !== 'JOB_SUCCESS'
    if (json) {
      // The last line, as the others are: an error object over several lines would not be one.
      const said = { event: 'end', state, reason, models: models.flatMap(one => one.modelId ?? []) }
      process.stdout.write(`${JSON.stringify(said)}\n`)
      process.exitCode = failed ? failure.exit : 0
      return
    }
    if (failed) throw failure
    for (const { modelId } of models) {
      if (modelId !== null) this.result(` ${DONE} Trained model_id: ${modelId}`)
    }
    if (trial === undefined && pageCount > 1) {
      this.info(`see all with kaos train info -j ${job.jobId} --page_id 1`)
    }
  }

  #noTrial(trial: number, total: number): never {
    const last = total - 1
    const text = `there is no trial ${trial}; this job has ${total === 1 ? 'only 0' : `0 to ${last}`}`
    throw new KaosError('BAD_REQUEST', text)
  }
}
