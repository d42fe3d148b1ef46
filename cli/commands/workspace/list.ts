import type { WorkspaceView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { remember } from '../../caches.ts'
import { indexed } from '../../listings.ts'

export default class WorkspaceList extends KaosCommand {
  static override examples = ['<%= config.bin %> workspace list']

  async run(): Promise<{ workspaces: WorkspaceView[] }> {
    await this.parse(WorkspaceList)
    const { client, folder } = await this.session()
    const answer = await client.get<{ workspaces: WorkspaceView[] }>('/workspaces')
    const names = answer.workspaces.map(({ name }) => ({ name }))
    remember(
      folder,
      'workspace',
      names.map(one => one.name),
    )
    if (names.length > 0) this.table(indexed(undefined, ['name'], names))
    else this.caution('there are no workspaces yet; make one with kaos workspace create -n <name>')
    return answer
  }
}
