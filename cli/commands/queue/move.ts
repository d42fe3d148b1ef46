import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { Args, Flags } from '../../options.ts'

export default class QueueMove extends KaosCommand {
  static override description =
    'Before or behind all other trainings, or back among them. What runs already is not interrupted. Needs the right to administer.'
  static override examples = [
    '<%= config.bin %> queue move 0191f2 --first',
    '<%= config.bin %> queue move 0191f2 --normal',
  ]
  static override args = {
    job: Args.string({ required: true, description: 'its id, or the beginning of it' }),
  }
  static override flags = {
    first: Flags.boolean({ summary: 'before all others' }),
    last: Flags.boolean({ summary: 'behind all others' }),
    normal: Flags.boolean({ summary: 'by its age again' }),
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(QueueMove)
    const asked = (['first', 'last', 'normal'] as const).filter(one => flags[one])
    const [to] = asked
    if (to === undefined || asked.length > 1) {
      throw new KaosError('USAGE', 'say where to: one of --first, --last and --normal')
    }
    const { client, workspace } = await this.workspaceSession()
    await client.post('/queue/move', { workspace, job: args.job, to })
    const where = { first: 'first', last: 'last', normal: 'in its turn again' }[to]
    this.info(`Successfully moved: what waits of job ${args.job} is ${where}`)
  }
}
