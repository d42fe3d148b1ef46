import type { QuotaView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { indexed } from '../../../listings.ts'
import { byteText } from '../../../times.ts'

export default class QuotaList extends KaosCommand {
  static override examples = ['<%= config.bin %> admin quota list']

  async run(): Promise<{ quotas: QuotaView[] }> {
    await this.parse(QuotaList)
    const { client } = await this.session()
    const answer = await client.get<{ quotas: QuotaView[] }>('/admin/quotas')
    const rows = answer.quotas.map(({ workspace, bytes, usedBytes, heldBytes }) => ({
      workspace,
      quota: byteText(bytes),
      used: byteText(usedBytes),
      set_aside: byteText(heldBytes),
      left: byteText(Math.max(0, bytes - usedBytes - heldBytes)),
    }))
    const columns = ['workspace', 'quota', 'used', 'set_aside', 'left']
    if (rows.length > 0) this.table(indexed(undefined, columns, rows))
    else this.caution('no workspace has a quota; set one with kaos admin quota set')
    return answer
  }
}
