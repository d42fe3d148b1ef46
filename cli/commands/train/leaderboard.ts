import type { LeaderboardView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'

export default class TrainLeaderboard extends KaosCommand {
  static override description =
    'Without --metric the one that most models have. Without --objective less is better of losses and errors, and more of everything else. Parameters, code and data have a column where they differ.'
  static override examples = [
    '<%= config.bin %> train leaderboard',
    '<%= config.bin %> train leaderboard --metric loss_test --objective min -n 5',
  ]
  static override flags = {
    metric: Flags.string({ summary: 'metric to compare by', helpValue: 'NAME' }),
    objective: Flags.string({
      summary: 'whether more or less of the metric is better',
      options: ['max', 'min'],
    }),
    number: Flags.integer({
      char: 'n',
      summary: 'models to show',
      min: 1,
      max: 1000,
      default: 20,
    }),
  }

  async run(): Promise<LeaderboardView> {
    const { flags } = await this.parse(TrainLeaderboard)
    const { client, base } = await this.workspaceSession()
    const { metric, objective, number: limit } = flags
    const question = { metric, objective, limit }
    const view = await client.get<LeaderboardView>(`${base}/train/leaderboard`, question)
    if (view.leaders.length === 0) {
      this.caution('there is no model with a metric yet; train one with kaos train deploy')
      return view
    }
    if (!this.jsonEnabled()) {
      const [{ leaderTable }, { tableBlock }, { page }] = await Promise.all([
        import('../../leaders.ts'),
        import('../../table.ts'),
        import('../../pager.ts'),
      ])
      await page(`${tableBlock(leaderTable(view))}\n`)
    }
    const others = view.available.filter(name => name !== view.metric)
    if (metric === undefined && others.length > 0) {
      this.info(`other metrics: ${others.join(', ')}; choose with --metric`)
    }
    if (view.truncated) this.info('only the newest 20,000 models were compared')
    return view
  }
}
