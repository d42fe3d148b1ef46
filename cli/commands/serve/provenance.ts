import type { EndpointView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { checkChoice } from '../../select.ts'

export default class ServeProvenance extends KaosCommand {
  static override examples = ['<%= config.bin %> serve provenance -e serve-mnist-ae6466']
  static override flags = {
    endpoint: shared.endpoint,
    ind: shared.ind,
    out_dir: shared.outDir,
    format: shared.format,
  }

  async run(): Promise<{ endpoint: string; file: string }> {
    const { flags } = await this.parse(ServeProvenance)
    const choice = { option: '-e/--endpoint', name: flags.endpoint, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const asked = `${base}${path`/serve/endpoints/${await this.chosenOf(session, choice, 'serve')}`}`
    const { name } = await client.get<EndpointView>(asked)
    this.result(`\nRetrieving provenance from ${name}`)
    const { saveDrawing } = await import('../../drawings.ts')
    const place = { out: flags.out_dir, workspace, name, format: flags.format }
    const file = await saveDrawing(client, `${asked}/provenance`, place)
    this.result(file)
    return { endpoint: name, file }
  }
}
