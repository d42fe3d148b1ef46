import type { ModelView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'

export default class TrainProvenance extends KaosCommand {
  static override examples = ['<%= config.bin %> train provenance -m e23a2_9fd9d:b82151']
  static override flags = {
    model_id: Flags.string({
      char: 'm',
      summary: 'model: its id, a part of it, or @latest',
      required: true,
      helpValue: 'ID',
    }),
    out_dir: shared.outDir,
    format: shared.format,
  }

  async run(): Promise<{ modelId: string; file: string }> {
    const { flags } = await this.parse(TrainProvenance)
    const { client, base, workspace } = await this.workspaceSession()
    const model = `${base}${path`/models/${flags.model_id}`}`
    const { modelId } = await client.get<ModelView>(model)
    this.result(`\nRetrieving provenance from ${modelId}`)
    const { saveDrawing } = await import('../../drawings.ts')
    const place = { out: flags.out_dir, workspace, name: `model-${modelId}`, format: flags.format }
    const file = await saveDrawing(client, `${model}/provenance`, place)
    this.result(file)
    return { modelId, file }
  }
}
