import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'

export default class ServeBuildLogs extends KaosCommand {
  static override examples = ['<%= config.bin %> serve build-logs -j 5f904377']
  static override flags = {
    job_id: Flags.string({
      char: 'j',
      summary: 'building job: its id or the beginning of it',
      required: true,
      helpValue: 'ID',
    }),
    out_dir: shared.outDir,
    follow: shared.follow,
  }

  async run(): Promise<{ jobId: string; file: string; text?: string }> {
    const { flags } = await this.parse(ServeBuildLogs)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const jobId = await this.fullJobId(session, flags.job_id)
    const from = `${base}${path`/jobs/${jobId}/logs`}`
    const { out_dir: out, follow } = flags
    const place = { out, workspace, name: `build-serve-${jobId}`, follow }
    return { jobId, ...(await this.showLog(client, from, place)) }
  }
}
