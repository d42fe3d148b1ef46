import { join } from 'node:path'
import type { Artifact, EndpointView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { checkChoice } from '../../select.ts'

export default class ServeGet extends KaosCommand {
  static override examples = ['<%= config.bin %> serve get -i 0']
  static override flags = {
    endpoint: shared.endpoint,
    ind: shared.ind,
    out_dir: shared.existingOutDir,
  }

  async run(): Promise<{ endpoint: string; folder: string }> {
    const { flags } = await this.parse(ServeGet)
    const choice = { option: '-e/--endpoint', name: flags.endpoint, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const asked = path`/serve/endpoints/${await this.chosenOf(session, choice, 'serve')}`
    const { name } = await client.get<EndpointView>(base + asked)
    const { code } = await client.get<{ code: Artifact }>(`${base}${asked}/artifacts`)
    const out = join(flags.out_dir, workspace, name)
    const { fetchAll, inFolder } = await import('../../downloads.ts')
    this.result(`\nExtracting serve bundle: ${out}`)
    await fetchAll(
      client,
      base,
      [inFolder(out, 'code', code)],
      this.progress('Extracting serve bundle'),
    )
    return { endpoint: name, folder: out }
  }
}
