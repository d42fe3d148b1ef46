import type { ServeList as Answer } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { remember } from '../../caches.ts'
import { serveTables } from '../../listings.ts'
import { page } from '../../pager.ts'
import { tableBlock } from '../../table.ts'

export default class ServeList extends KaosCommand {
  static override examples = ['<%= config.bin %> serve list', '<%= config.bin %> serve list --json']

  async run(): Promise<Answer> {
    await this.parse(ServeList)
    const { client, base, folder, workspace } = await this.workspaceSession()
    const answer = await client.get<Answer>(`${base}/serve`)
    const names = answer.running.map(endpoint => endpoint.name)
    remember(folder, 'serve', names, workspace)
    const tables = serveTables(answer)
    if (tables.length === 0) {
      this.caution('there are no endpoints yet; deploy one with kaos serve deploy')
    } else if (!this.jsonEnabled()) {
      await page(tables.map(table => `${tableBlock(table)}\n`).join(''))
    }
    for (const { name, state, reason, quarantined } of answer.running) {
      if (quarantined !== undefined) this.caution(`${name}: ${quarantined}`)
      if (reason !== null && state !== 'PIPELINE_RUNNING') this.caution(`${name}: ${reason}`)
    }
    return answer
  }
}
