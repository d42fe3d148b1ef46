import type { QuarantineList as Answer } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { page } from '../../pager.ts'
import { tableBlock } from '../../table.ts'
import { localTime } from '../../times.ts'

export default class QuarantineList extends KaosCommand {
  static override description = 'What is quarantined in the organisation, newest first.'
  static override examples = ['<%= config.bin %> quarantine list --json']

  async run(): Promise<Answer> {
    await this.parse(QuarantineList)
    const { client, base } = await this.workspaceSession()
    const answer = await client.get<Answer>(`${base}/quarantine`)
    const rows = answer.quarantined.map(({ name, kind, author, at, reason }) => {
      return [name, kind ?? 'digest', localTime(at), author, reason]
    })
    if (rows.length === 0) this.info('nothing is quarantined')
    else if (!this.jsonEnabled()) {
      const columns = ['name', 'kind', 'since', 'who', 'reason']
      await page(`${tableBlock({ title: 'QUARANTINED', columns, rows })}\n`)
    }
    return answer
  }
}
