import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { Args, Flags } from '../../../options.ts'

export default class WorkerDrain extends KaosCommand {
  static override description =
    'For a host that is to be stopped or mended: it takes nothing new, and what it runs goes on to its end. kaos admin worker list says when nothing runs any more.'
  static override examples = ['<%= config.bin %> admin worker drain gpu1 --reason "new driver"']
  static override args = {
    name: Args.string({ required: true, description: 'name of the worker' }),
  }
  static override flags = {
    reason: Flags.string({ char: 'r', summary: 'why, for the log', helpValue: 'TEXT' }),
  }

  async run(): Promise<{ name: string }> {
    const { args, flags } = await this.parse(WorkerDrain)
    const { client } = await this.session()
    const { reason } = flags
    await client.post(
      path`/admin/workers/${args.name}/drain`,
      reason === undefined ? {} : { reason },
    )
    this.info(`worker ${args.name} takes nothing new`)
    return { name: args.name }
  }
}
