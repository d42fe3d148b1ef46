import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { folderName } from '../../../api/bundle.ts'
import { KaosError } from '../../../api/errors.ts'
import { newId } from '../../../api/ids.ts'
import type { Recipe } from '../../../api/wire.ts'
import { KaosCommand, type WorkspaceSession } from '../../base.ts'
import { path } from '../../client.ts'
import * as shared from '../../flags.ts'
import { DONE } from '../../look.ts'
import { Args, Flags } from '../../options.ts'
import { checkChoice } from '../../select.ts'

const PARAMS = 'params.json'
const NO_LOCK =
  '# The training had no packages of its own; environment.json tells those of its interpreter.\n'

export default class TrainCheckout extends KaosCommand {
  static override description =
    'Writes code/, data/, params.json, environment/ (the packages and the machine as recorded) and kaos.yaml, which kaos train deploy in that folder takes: what is deployed from there says which job it came from. The folder must be empty or not there.'
  static override examples = [
    '<%= config.bin %> train checkout -i 0 digits',
    '<%= config.bin %> train checkout -j @latest --trial 3 --no_data best-trial',
    'cd digits && <%= config.bin %> train deploy --wait',
  ]
  static override args = {
    folder: Args.string({ required: true, description: 'folder to become' }),
  }
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    trial: Flags.integer({ summary: 'only this point of the grid, from 0', min: 0 }),
    no_data: Flags.boolean({
      summary: 'leave the data on the server: kaos.yaml names them by their digest',
    }),
    pin: Flags.boolean({
      summary: 'write the packages of the training, with their versions, into requirements.txt',
    }),
  }

  async run(): Promise<{ folder: string; recipe: Recipe }> {
    const { args, flags } = await this.parse(TrainCheckout)
    const choice = { option: '-j/--job_id', name: flags.job_id, ind: flags.ind }
    checkChoice(choice)
    requireFree(args.folder)
    const session = await this.workspaceSession()
    const id = await this.chosenOf(session, choice, 'train')
    const url = `${session.base}${path`/train/${id}/recipe`}`
    const recipe = await session.client.get<Recipe>(url, { trial: flags.trial })
    const part = `${args.folder}.${newId().slice(-8)}.part`
    try {
      await this.#write(session, recipe, part, flags)
      takePlace(part, args.folder)
    } finally {
      rmSync(part, { recursive: true, force: true })
    }
    this.#tell(recipe, args.folder, flags)
    return { folder: args.folder, recipe }
  }

  async #write(
    { client, base }: WorkspaceSession,
    recipe: Recipe,
    folder: string,
    { no_data: noData, pin }: { no_data: boolean; pin: boolean },
  ): Promise<void> {
    const { fetchAll } = await import('../../downloads.ts')
    const { experimentText, pinnedRequirements } = await import('../../experiment-writing.ts')
    const code = join(folder, 'code', folderName(recipe.code.name))
    const data = join(folder, 'data', folderName(recipe.data.name))
    const wanted = [
      { artifact: recipe.code, target: code },
      ...(noData ? [] : [{ artifact: recipe.data, target: data }]),
    ]
    await fetchAll(client, base, wanted, this.progress('Checking out the experiment'))
    mkdirSync(join(folder, 'environment'))
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
    const { hyperparams, environment, image, lock } = recipe
    write('environment/environment.json', `${JSON.stringify({ ...environment, image }, null, 2)}\n`)
    write('environment/requirements.lock', lock === '' ? NO_LOCK : lock)
    if (hyperparams !== null) write(PARAMS, hyperparams)
    const pinned = pin ? pinnedRequirements(lock) : undefined
    if (pinned) writeFileSync(join(code, 'model', 'requirements.txt'), pinned)
    const places = { code: 'code', data: noData ? recipe.data.tree : 'data' }
    const file = hyperparams === null ? null : PARAMS
    write('kaos.yaml', experimentText({ recipe, ...places, hyperparams: file }))
  }

  #tell(
    { job, code, data, unpinned, lock }: Recipe,
    folder: string,
    { no_data: noData, pin }: { no_data: boolean; pin: boolean },
  ): void {
    this.result(` ${DONE} ${folder}: job ${job}, code ${code.name}, data ${data.name}`)
    if (noData) this.info(`the data stay on the server: kaos data get ${data.tree} fetches them`)
    if (pin && lock === '') this.caution('no packages were recorded, so there is nothing to pin')
    if (!pin && unpinned.length > 0) {
      const open = unpinned.slice(0, 3).join(', ')
      const next = 'changed code may get newer ones; --pin writes down those of the training'
      this.caution(`requirements.txt leaves versions open (${open}): ${next}`)
    }
    this.info(`change what you like, then: cd ${folder} && kaos train deploy`)
  }
}

function requireFree(folder: string): void {
  if (!existsSync(folder)) return
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (cause) {
    throw new KaosError('USAGE', `${folder} is a file; name a folder`, { cause })
  }
  if (names.length === 0) return
  throw new KaosError('USAGE', `${folder} is not empty; name a folder that is empty or not there`)
}

function takePlace(part: string, folder: string): void {
  if (existsSync(folder)) rmdirSync(folder)
  renameSync(part, folder)
}
