import { KaosError } from '../../../api/errors.ts'
import { KaosCommand } from '../../base.ts'
import { Args } from '../../options.ts'

export default class QueueLimit extends KaosCommand {
  static override description =
    'So that one workspace cannot take every slot. What runs already goes on. Needs the right to administer.'
  static override examples = [
    '<%= config.bin %> queue limit mnist 4',
    '<%= config.bin %> queue limit mnist none',
  ]
  static override args = {
    workspace: Args.string({ ignoreStdin: true, required: true, description: 'its name' }),
    trials: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'trials at once, or none for no limit',
    }),
  }

  async run(): Promise<void> {
    const { args } = await this.parse(QueueLimit)
    const { workspace } = args
    const trials = args.trials === 'none' ? null : Number(args.trials)
    if (trials !== null && !(Number.isInteger(trials) && trials > 0)) {
      throw new KaosError(
        'USAGE',
        `"${args.trials}" is no number of trials; give 1 or more, or none`,
      )
    }
    const { client } = await this.session()
    await client.post('/queue/limit', { workspace, trials })
    const what = trials === null ? 'has no limit any more' : `may run ${trials} at once`
    this.info(`Successfully set: ${workspace} ${what}`)
  }
}
