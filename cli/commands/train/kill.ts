import { isKaosError, KaosError } from '../../../api/errors.ts'
import type { JobRow } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'

export default class TrainKill extends KaosCommand {
  static override examples = ['<%= config.bin %> train kill -j 1ed80bcad9a6465db67652255f904377']
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    reason: Flags.string({ summary: 'why, for the record' }),
    yes: Flags.boolean({ char: 'y', summary: 'do not ask (it never does, as in the original)' }),
  }

  async run(): Promise<JobRow> {
    const { flags } = await this.parse(TrainKill)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base } = session
    const id = await this.chosenOf(session, choice, 'train', { listed: true })
    const body = flags.reason === undefined ? {} : { reason: flags.reason }
    const job = await client.post<JobRow>(`${base}${path`/jobs/${id}/kill`}`, body).catch(error => {
      throw inTheOriginalsWords(error, id)
    })
    this.info(`Job ${job.jobId} successfully killed`)
    return job
  }
}

function inTheOriginalsWords(error: unknown, id: string): unknown {
  if (isKaosError(error, 'JOB_NOT_RUNNING')) {
    return new KaosError('JOB_NOT_RUNNING', `Job is not running, id: ${id}`, { cause: error })
  }
  if (isKaosError(error, 'JOB_NOT_FOUND')) {
    return new KaosError('JOB_NOT_FOUND', `There is no job with id: ${id}`, { cause: error })
  }
  return error
}
