import { KaosCommand } from '../../base.ts'
import { forget } from '../../caches.ts'
import * as shared from '../../flags.ts'
import { enterWorkspace } from '../../workspace-name.ts'

export default class WorkspaceKill extends KaosCommand {
  static override description =
    'Its name is free again afterwards. What it made stays recorded in the ledger.'
  static override examples = [
    '<%= config.bin %> workspace kill',
    '<%= config.bin %> workspace kill -y',
  ]
  static override flags = { yes: shared.yes }

  async run(): Promise<{ name: string }> {
    const { flags } = await this.parse(WorkspaceKill)
    const { client, base, workspace, state, folder } = await this.workspaceSession()
    await this.confirmed(`End workspace ${workspace} and all that runs in it?`, flags.yes)
    await client.delete(base)
    if (state?.workspace === workspace) enterWorkspace(state, undefined)
    forget(folder, ['train', 'serve', 'workspace'])
    this.info(`Successfully killed ${workspace} workspace`)
    return { name: workspace }
  }
}
