import { isKaosError, KaosError } from '../../../api/errors.ts'
import type { WorkspaceView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { forget } from '../../caches.ts'
import { Flags } from '../../options.ts'
import { Unready } from '../../words.ts'
import { enterWorkspace, WORKSPACE_FORM } from '../../workspace-name.ts'

export default class WorkspaceCreate extends KaosCommand {
  static override examples = ['<%= config.bin %> workspace create -n mnist']
  static override flags = {
    name: Flags.string({
      char: 'n',
      summary: 'letters, digits and underscores; kept in lower case',
      required: true,
    }),
  }

  async run(): Promise<WorkspaceView> {
    const { flags } = await this.parse(WorkspaceCreate)
    const session = await this.session()
    if (!WORKSPACE_FORM.test(flags.name)) {
      const form = 'a workspace is named with up to 64 letters, digits and underscores'
      throw new KaosError('INVALID_NAME', `"${flags.name}" is no name for a workspace; ${form}`)
    }
    const name = flags.name.toLowerCase()
    const made = await session.client.post<WorkspaceView>('/workspaces', { name }).catch(error => {
      if (!isKaosError(error, 'WORKSPACE_EXISTS')) throw error
      const next = `select it with kaos workspace set -n ${name}`
      throw new Unready(`workspace ${name} already exists; ${next}`)
    })
    enterWorkspace(session.state, made.name)
    forget(session.folder, ['workspace'])
    this.info(`Successfully set ${flags.name} workspace`)
    return made
  }
}
