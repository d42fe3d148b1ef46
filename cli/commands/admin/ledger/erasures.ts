import type { ErasedView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

export default class LedgerErasures extends KaosCommand {
  static override description = 'Statements whose words were erased by law, by whom and why.'
  static override examples = ['<%= config.bin %> admin ledger erasures']

  async run(): Promise<{ erasures: ErasedView[] }> {
    await this.parse(LedgerErasures)
    const { client } = await this.session()
    const answer = await client.get<{ erasures: ErasedView[] }>('/admin/ledger/erasures')
    const rows = answer.erasures.map(({ seq, type, who, erasedAt, by, reason }) => ({
      statement: String(seq),
      type,
      erased_at: localTime(erasedAt),
      by: who,
      said_in: String(by),
      reason,
    }))
    const columns = ['statement', 'type', 'erased_at', 'by', 'said_in', 'reason'] as const
    if (rows.length > 0) this.table(indexed(undefined, [...columns], rows))
    else this.info('nothing was erased')
    return answer
  }
}
