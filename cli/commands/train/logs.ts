import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { checkChoice } from '../../select.ts'

export default class TrainLogs extends KaosCommand {
  static override description = 'Also kept in <out_dir>/<workspace>/logs.'
  static override examples = [
    '<%= config.bin %> train logs -i 0',
    '<%= config.bin %> train logs -j @latest --follow',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    out_dir: shared.outDir,
    follow: shared.follow,
  }

  async run(): Promise<{ jobId: string; file: string; text?: string }> {
    const { flags } = await this.parse(TrainLogs)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const jobId = await this.fullJobId(session, await this.chosenOf(session, choice, 'train'))
    const from = `${base}${path`/jobs/${jobId}/logs`}`
    const { out_dir: out, follow } = flags
    return {
      jobId,
      ...(await this.showLog(client, from, { out, workspace, name: `train-${jobId}`, follow })),
    }
  }
}
