import { KaosError } from '../../../api/errors.ts'
import type { WorkspaceView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import * as shared from '../../flags.ts'
import { nearest } from '../../nearest.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'
import { enterWorkspace } from '../../workspace-name.ts'

export default class WorkspaceSet extends KaosCommand {
  static override examples = [
    '<%= config.bin %> workspace set -n mnist',
    '<%= config.bin %> workspace set -i 0',
  ]
  static override flags = {
    name: Flags.string({ char: 'n', summary: 'name of the workspace' }),
    ind: shared.ind,
  }

  async run(): Promise<{ name: string }> {
    const { flags } = await this.parse(WorkspaceSet)
    const choice = { option: '-n/--name', name: flags.name, ind: flags.ind }
    checkChoice(choice)
    const session = await this.session()
    const { client, state } = session
    const typed = await this.chosenOf(session, choice, 'workspace')
    const name = typed.toLowerCase()
    const { workspaces } = await client.get<{ workspaces: WorkspaceView[] }>('/workspaces')
    const names = workspaces.map(one => one.name)
    if (!names.includes(name)) {
      const close = nearest(name, names)
      const hint =
        close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see kaos workspace list'
      throw new KaosError('WORKSPACE_NOT_FOUND', `there is no workspace ${name}; ${hint}`)
    }
    enterWorkspace(state, name)
    this.info(`Successfully set ${typed} workspace`)
    return { name }
  }
}
