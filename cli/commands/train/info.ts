import type { JobView, MeasurementLine, ReplayView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { infoText } from '../../job-info.ts'
import { Flags } from '../../options.ts'
import { page } from '../../pager.ts'
import { checkChoice } from '../../select.ts'

export default class TrainInfo extends KaosCommand {
  static override examples = [
    '<%= config.bin %> train info -i 0',
    '<%= config.bin %> train info -j @latest --sort_by accuracy_test --objective max',
    '<%= config.bin %> train info -i 0 --details --measurements',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    sort_by: Flags.string({ char: 's', summary: 'metric to sort the models by' }),
    objective: Flags.string({
      summary: 'whether more or less of the metric is better',
      options: ['max', 'min'],
      default: 'max',
    }),
    details: Flags.boolean({
      summary: 'also what it ran with: commits, image, packages, resources, times',
    }),
    measurements: Flags.boolean({
      summary: 'also what the trials used: CPU, memory, GPUs (with --json every sample)',
    }),
    page_id: Flags.integer({ char: 'p', summary: 'page, from 0', min: 0, default: 0 }),
  }

  async run(): Promise<JobView & { measurements?: MeasurementLine[] }> {
    const { flags } = await this.parse(TrainInfo)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base } = session
    const id = await this.chosenOf(session, choice, 'train')
    const { sort_by: sortBy, page_id } = flags
    const order = sortBy === undefined ? {} : { sortBy, objective: flags.objective }
    const view = await client.get<JobView>(`${base}${path`/jobs/${id}`}`, {
      ...order,
      page: page_id,
    })
    this.info(`Retrieving info from ${view.job.jobId}`)
    const { measurementLines, measurementsOf } = await import('../../measurements.ts')
    const samples = flags.measurements
      ? await measurementsOf(client, base, view.job.jobId)
      : undefined
    if (!this.jsonEnabled()) {
      const { detailLines } = await import('../../job-details.ts')
      const text = [
        infoText(view, sortBy),
        ...(flags.details ? [...detailLines(view), ''] : []),
        ...(samples?.length ? [...measurementLines(samples), ''] : []),
      ]
      await page(text.join('\n'))
    }
    if (view.job.kind === 'replay' && !this.jsonEnabled()) {
      const replay = await client.get<ReplayView>(`${base}${path`/replays/${view.job.jobId}`}`)
      const { replayText } = await import('../../replay-texts.ts')
      this.result(replayText(replay).trimEnd())
    }
    this.#remarks(view)
    if (samples?.length === 0) this.info('nothing was measured: no trial ran long enough')
    return { ...view, ...(samples && { measurements: samples }) }
  }

  #remarks({ job, models }: JobView): void {
    if (job.reason !== null) this.caution(`${job.state}: ${job.reason}`)
    for (const { modelId, trial, warnings, reason } of models) {
      const name = modelId ?? `trial ${trial}`
      if (reason !== null && reason !== job.reason) this.caution(`${name}: ${reason}`)
      for (const warning of warnings) this.caution(`${name}: ${warning}`)
    }
    if (/^JOB_(STARTING|RUNNING|MERGING)$/.test(job.state)) {
      const next = `watch it with kaos train watch -j ${job.jobId}`
      this.caution(`info is not complete while the job is in ${job.state}; ${next}`)
    }
  }
}
