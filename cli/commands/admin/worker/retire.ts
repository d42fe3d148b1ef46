import type { WorkerRetired } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { yes } from '../../../flags.ts'
import { Args, Flags } from '../../../options.ts'
import { countText } from '../../../times.ts'

export default class WorkerRetire extends KaosCommand {
  static override description =
    'At once: its token opens nothing any more, and what it runs is given up and tried again elsewhere. To let it finish first: kaos admin worker drain.'
  static override examples = ['<%= config.bin %> admin worker retire gpu1 --yes']
  static override args = {
    name: Args.string({ required: true, description: 'name of the worker' }),
  }
  static override flags = {
    reason: Flags.string({ char: 'r', summary: 'why, for the log', helpValue: 'TEXT' }),
    yes,
  }

  async run(): Promise<WorkerRetired> {
    const { args, flags } = await this.parse(WorkerRetire)
    const { client } = await this.session()
    await this.confirmed(`Take the token of worker ${args.name} away?`, flags.yes)
    const { reason } = flags
    const to = path`/admin/workers/${args.name}/retire`
    const gone = await client.post<WorkerRetired>(to, reason === undefined ? {} : { reason })
    const left =
      gone.ended === 0 ? 'it ran nothing' : `${countText(gone.ended, 'attempt')} given up`
    this.info(`worker ${args.name} is retired; ${left}`)
    return gone
  }
}
