import { join } from 'node:path'
import { KaosError } from '../../../api/errors.ts'
import type { JobArtifacts } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'

export default class TrainGet extends KaosCommand {
  static override description =
    'Without -c, -d and -m: code and models. Written to <out_dir>/<workspace>/<job>; a folder that is there already is replaced once its successor is complete.'
  static override examples = [
    '<%= config.bin %> train get -i 0 -cdm',
    '<%= config.bin %> train get -j @latest -m -o downloads',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    out_dir: shared.existingOutDir,
    include_code: Flags.boolean({ char: 'c', summary: 'the source bundle' }),
    include_data: Flags.boolean({ char: 'd', summary: 'the data bundle' }),
    include_model: Flags.boolean({ char: 'm', summary: 'everything the job wrote' }),
    model_id: Flags.string({ summary: 'only models whose id contains this', helpValue: 'TEXT' }),
  }

  async run(): Promise<{ jobId: string; folder: string; folders: string[] }> {
    const { flags } = await this.parse(TrainGet)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    const session = await this.workspaceSession()
    const { client, base, workspace } = session
    const id = await this.chosenOf(session, choice, 'train')
    const artifacts = await client.get<JobArtifacts>(`${base}${path`/jobs/${id}/artifacts`}`)
    const { include_code: code, include_data: data, include_model: model } = flags
    const some = code || data || model
    const parts = { code: code || !some, data, model: model || !some, modelId: flags.model_id }

    const out = join(flags.out_dir, workspace, artifacts.jobId)
    const { fetchAll, layout } = await import('../../downloads.ts')
    const wanted = layout(artifacts, out, parts)
    this.#checkFound(artifacts, flags.model_id, wanted.length)
    this.result(`\nExtracting train bundle: ${out}`)
    await fetchAll(client, base, wanted, this.progress('Extracting train bundle'))
    return { jobId: artifacts.jobId, folder: out, folders: wanted.map(one => one.target) }
  }

  #checkFound({ jobId, models }: JobArtifacts, modelId: string | undefined, found: number): void {
    if (modelId !== undefined && !models.some(one => one.modelId.includes(modelId))) {
      const text = `job ${jobId} has no model whose id contains ${modelId}; see kaos train info -j ${jobId}`
      throw new KaosError('MODEL_NOT_FOUND', text)
    }
    if (found === 0)
      throw new KaosError('NOT_FOUND', `job ${jobId} has nothing of that to download`)
    if (models.length === 0) this.caution(`job ${jobId} has no model`)
  }
}
