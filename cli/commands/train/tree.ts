import type { ExperimentsView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import * as shared from '../../flags.ts'
import { Flags } from '../../options.ts'
import { oneName } from '../../select.ts'

export default class TrainTree extends KaosCommand {
  static override description =
    'Each training below the one that it came from, with what differs. Where nobody said what a training came from (train deploy --from), it stands below the last one of the same code and data, code, or data: such a line is dotted.'
  static override examples = [
    '<%= config.bin %> train tree',
    '<%= config.bin %> train tree -i 0 --metric accuracy_test',
  ]
  static override flags = {
    job_id: shared.jobId,
    ind: shared.ind,
    metric: Flags.string({ summary: 'show the best of this metric', helpValue: 'NAME' }),
  }

  async run(): Promise<ExperimentsView> {
    const { flags } = await this.parse(TrainTree)
    const session = await this.workspaceSession()
    const { client, base } = session
    const choice = { option: '-j/--job_id', name: oneName(flags.job_id, undefined), ind: flags.ind }
    const some = choice.name !== undefined || choice.ind !== undefined
    const job = some ? await this.chosenOf(session, choice, 'train') : undefined
    const query = { job, metric: flags.metric }
    const view = await client.get<ExperimentsView>(`${base}/provenance/experiments`, query)
    if (view.experiments.length === 0) this.info('there are no trainings yet')
    else if (!this.jsonEnabled()) {
      const { experimentLines } = await import('../../experiment-tree.ts')
      const text = `${experimentLines(view, job).join('\n')}\n`
      await (await import('../../pager.ts')).page(text)
    }
    if (view.truncated) this.info('only the newest 1,000 trainings are shown')
    return view
  }
}
