import type { TrainList as Answer } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { remember } from '../../caches.ts'
import { trainTables } from '../../listings.ts'
import { page } from '../../pager.ts'
import { tableBlock } from '../../table.ts'

export default class TrainList extends KaosCommand {
  static override examples = ['<%= config.bin %> train list', '<%= config.bin %> train list --json']

  async run(): Promise<Answer> {
    await this.parse(TrainList)
    const { client, base, folder, workspace } = await this.workspaceSession()
    const answer = await client.get<Answer>(`${base}/train`)
    const ids = answer.training.map(job => job.jobId)
    remember(folder, 'train', ids, workspace)
    const tables = trainTables(answer)
    if (tables.length === 0) {
      this.caution('there are no training jobs yet; start one with kaos train deploy')
    } else if (!this.jsonEnabled()) {
      await page(tables.map(table => `${tableBlock(table)}\n`).join(''))
    }
    return answer
  }
}
