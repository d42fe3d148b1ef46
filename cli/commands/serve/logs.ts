import type { EndpointView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { checkChoice } from '../../select.ts'

export default class ServeLogs extends KaosCommand {
  static override description = 'Also kept in <out_dir>/<workspace>/logs.'
  static override examples = ['<%= config.bin %> serve logs -i 0 --follow']
  static override flags = {
    endpoint: shared.endpoint,
    ind: shared.ind,
    out_dir: shared.outDir,
    follow: shared.follow,
  }

  async run(): Promise<{ endpoint: string; file: string; text?: string }> {
    const { flags } = await this.parse(ServeLogs)
    const choice = { option: '-e/--endpoint', name: flags.endpoint, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const asked = `${base}${path`/serve/endpoints/${await this.chosenOf(session, choice, 'serve')}`}`
    const { name } = await client.get<EndpointView>(asked)
    const { out_dir: out, follow } = flags
    const shown = await this.showLog(client, `${asked}/logs`, { out, workspace, name, follow })
    return { endpoint: name, ...shown }
  }
}
