import type { JobView, RetryAccepted, RetryRequest } from '../../../api/wire.ts'
import { resourcesOf } from '../../asked-resources.ts'
import { KaosCommand } from '../../base.ts'
import { forget } from '../../caches.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { DONE } from '../../look.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'
import { countText } from '../../times.ts'

export default class TrainRetry extends KaosCommand {
  static override description =
    'What has finished stays as it is: the trials run in a new job, which names the old one, with the same image, code, data and points of the grid. Models that were made stay with the old job. Without --failed also trials that were killed or never began.'
  static override examples = [
    '<%= config.bin %> train retry -i 0',
    '<%= config.bin %> train retry -j @latest --failed --memory 8G --wait',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    failed: Flags.boolean({ summary: 'only trials that failed by themselves' }),
    parallelism: Flags.integer({ char: 'p', summary: 'trials at a time', min: 1, max: 1024 }),
    ...shared.resources,
    wait: shared.wait,
  }

  async run(): Promise<RetryAccepted> {
    const { flags } = await this.parse(TrainRetry)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const resources = resourcesOf(flags)
    const request: RetryRequest = {
      ...(flags.failed && { failed: true }),
      ...(flags.parallelism !== undefined && { parallelism: flags.parallelism }),
      ...(resources && { resources }),
    }
    const session = await this.workspaceSession()
    const { client, base, folder } = session
    const id = await this.chosenOf(session, choice, 'train')
    const url = `${base}${path`/train/${id}/retry`}`
    const accepted = await client.post<RetryAccepted>(url, request)
    forget(folder, ['train'])
    const { job, of, trials, kept, warnings } = accepted
    for (const warning of warnings) this.caution(warning)
    this.info(`job ${job.jobId} runs ${countText(trials.length, 'trial')} of job ${of} again`)
    if (kept > 0)
      this.info(`${countText(kept, 'trial')} succeeded before: see kaos train info -j ${of}`)
    if (!flags.wait) {
      this.info(`watch it with: kaos train watch -j ${job.jobId}`)
      return accepted
    }
    const { jobEnd, jobFailure } = await import('../../watch.ts')
    const end: JobView = await jobEnd(session, base, job.jobId, text => this.note(text))
    if (end.job.state !== 'JOB_SUCCESS') {
      throw jobFailure(end.job, `kaos train logs -j ${job.jobId}`)
    }
    for (const { modelId } of end.models) {
      if (modelId !== null) this.result(` ${DONE} Trained model_id: ${modelId}`)
    }
    return { ...accepted, job: end.job }
  }
}
