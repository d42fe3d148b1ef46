import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { Args } from '../../../options.ts'

export default class QuotaRemove extends KaosCommand {
  static override examples = ['<%= config.bin %> admin quota remove mnist']
  static override args = {
    workspace: Args.string({ ignoreStdin: true, required: true, description: 'its name' }),
  }

  async run(): Promise<{ workspace: string }> {
    const { args } = await this.parse(QuotaRemove)
    const { client } = await this.session()
    await client.delete(path`/admin/quotas/${args.workspace}`)
    this.info(`Successfully removed the quota of ${args.workspace}`)
    return { workspace: args.workspace }
  }
}
