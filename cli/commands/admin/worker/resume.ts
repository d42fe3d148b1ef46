import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { Args, Flags } from '../../../options.ts'

export default class WorkerResume extends KaosCommand {
  static override description = 'Ends a drain: the worker is given work again.'
  static override examples = ['<%= config.bin %> admin worker resume gpu1']
  static override args = {
    name: Args.string({ required: true, description: 'name of the worker' }),
  }
  static override flags = {
    reason: Flags.string({ char: 'r', summary: 'why, for the log', helpValue: 'TEXT' }),
  }

  async run(): Promise<{ name: string }> {
    const { args, flags } = await this.parse(WorkerResume)
    const { client } = await this.session()
    const { reason } = flags
    await client.post(
      path`/admin/workers/${args.name}/resume`,
      reason === undefined ? {} : { reason },
    )
    this.info(`worker ${args.name} is given work again`)
    return { name: args.name }
  }
}
