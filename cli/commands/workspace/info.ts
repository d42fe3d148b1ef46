import type { WorkspaceInfo as Answer } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'

export default class WorkspaceInfo extends KaosCommand {
  static override examples = ['<%= config.bin %> workspace info']

  async run(): Promise<Answer> {
    await this.parse(WorkspaceInfo)
    const { client, base, workspace } = await this.workspaceSession()
    const answer = await client.get<Answer>(base)
    this.result(`--- Workspace ${workspace} ---`)
    this.result()
    for (const [title, names] of [
      ['Pipelines:', answer.pipelines],
      ['Repos:', answer.repos],
    ] as const) {
      this.result(title)
      for (const name of names) this.result(` - ${name}`)
      this.result()
    }
    return answer
  }
}
