import type { QuotaView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { parseAmount } from '../../../care.ts'
import { Args } from '../../../options.ts'
import { byteText } from '../../../times.ts'

export default class QuotaSet extends KaosCommand {
  static override description =
    'What counts is what is stored for the workspace: what its versions share counts once. What does not fit is refused before it is sent; nothing that is there goes.'
  static override examples = ['<%= config.bin %> admin quota set mnist 20G']
  static override args = {
    workspace: Args.string({ ignoreStdin: true, required: true, description: 'its name' }),
    bytes: Args.string({ ignoreStdin: true, required: true, description: 'like 500M, 20G, 1.5Ti' }),
  }

  async run(): Promise<QuotaView> {
    const { args } = await this.parse(QuotaSet)
    const bytes = parseAmount(args.bytes)
    const { client } = await this.session()
    const quota = await client.post<QuotaView>('/admin/quotas', {
      workspace: args.workspace,
      bytes,
    })
    const used = `it has ${byteText(quota.usedBytes)}`
    this.info(`Successfully set the quota of ${quota.workspace} to ${byteText(bytes)}; ${used}`)
    if (quota.usedBytes > bytes) {
      this.caution('that is more than the quota: nothing more can be pushed until some of it goes')
    }
    return quota
  }
}
