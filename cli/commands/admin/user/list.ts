import type { UserView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { remember } from '../../../caches.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

export default class UserList extends KaosCommand {
  static override examples = ['<%= config.bin %> admin user list']

  async run(): Promise<{ users: UserView[] }> {
    await this.parse(UserList)
    const { client, folder } = await this.session()
    const answer = await client.get<{ users: UserView[] }>('/admin/users')
    remember(
      folder,
      'user',
      answer.users.map(user => user.name),
    )
    const rows = answer.users.map(({ name, role, createdAt }) => {
      return { name, role, created_at: localTime(createdAt) }
    })
    if (rows.length > 0) this.table(indexed(undefined, ['name', 'role', 'created_at'], rows))
    else this.caution('there are no users yet; add one with kaos admin user add -n <name>')
    return answer
  }
}
