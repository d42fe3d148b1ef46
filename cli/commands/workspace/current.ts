import { KaosCommand } from '../../base.ts'

export default class WorkspaceCurrent extends KaosCommand {
  static override examples = ['<%= config.bin %> workspace current']

  async run(): Promise<{ name: string }> {
    await this.parse(WorkspaceCurrent)
    const { workspace } = await this.workspaceSession()
    this.info(`Current workspace: ${workspace}`)
    return { name: workspace }
  }
}
