import type { KeyView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

export default class KeysList extends KaosCommand {
  static override description = 'Keys that sign checkpoints and attestations, the newest first.'
  static override examples = ['<%= config.bin %> admin keys list']

  async run(): Promise<{ keys: KeyView[] }> {
    await this.parse(KeysList)
    const { client } = await this.session()
    const answer = await client.get<{ keys: KeyView[] }>('/admin/keys')
    const rows = answer.keys.map(({ kid, createdAt, retiredAt }) => ({
      key_id: kid,
      created_at: localTime(createdAt),
      state: retiredAt === null ? 'signs' : `retired ${localTime(retiredAt)}`,
    }))
    if (rows.length > 0) this.table(indexed(undefined, ['key_id', 'created_at', 'state'], rows))
    else this.info('nothing was signed yet; the first key is made when it is needed')
    return answer
  }
}
