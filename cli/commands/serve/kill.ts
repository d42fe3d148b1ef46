import type { EndpointView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { checkChoice } from '../../select.ts'

export default class ServeKill extends KaosCommand {
  static override examples = [
    '<%= config.bin %> serve kill -i 0',
    '<%= config.bin %> serve kill -e serve-mnist-ae6466 -y',
  ]
  static override flags = { endpoint: shared.endpoint, ind: shared.ind, yes: shared.yes }

  async run(): Promise<EndpointView> {
    const { flags } = await this.parse(ServeKill)
    const choice = { option: '-e/--endpoint', name: flags.endpoint, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base } = session
    const asked = await this.chosenOf(session, choice, 'serve', { listed: flags.yes })
    const { name } = await client.get<EndpointView>(`${base}${path`/serve/endpoints/${asked}`}`)
    await this.confirmed(`Kill endpoint ${name}?`, flags.yes)
    const killed = await client.post<EndpointView>(`${base}${path`/serve/endpoints/${name}/kill`}`)
    this.info(`Successfully killed endpoint ${name}`)
    return killed
  }
}
