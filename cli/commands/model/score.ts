import type { ScoreView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { path } from '../../client.ts'
import { ABSENT, DONE, IN_PROGRESS } from '../../look.ts'
import { Args } from '../../options.ts'

const ITEM_WIDTH = 10
const POINTS_WIDTH = 5

export default class ModelScore extends KaosCommand {
  static override description =
    'How sure it is that the model can be made again: is the image pinned, are the packages, are seeds set, are code and data kept by content, was the code committed, and what did replays show? Points are given for what is known; the total is their sum, 100 at most. Below each line that lacks points stands what to do for them.'
  static override examples = [
    '<%= config.bin %> model score e23a2_9fd9d:b82151',
    '<%= config.bin %> model score @latest --json',
  ]
  static override args = {
    model: Args.string({
      required: true,
      description: 'model: its id, a part of it, a version, a tag, or @latest',
    }),
  }

  async run(): Promise<ScoreView> {
    const { args } = await this.parse(ModelScore)
    const { client, base } = await this.workspaceSession()
    const view = await client.get<ScoreView>(`${base}${path`/models/${args.model}/score`}`)
    this.result(`Reproducibility of ${view.modelId}: ${view.score} of ${view.of}`)
    for (const { item, points, of, found, better } of view.items) {
      const mark = points === of ? DONE : points === 0 ? ABSENT : IN_PROGRESS
      const shown = `${points}/${of}`.padStart(POINTS_WIDTH)
      this.result(` ${mark} ${item.padEnd(ITEM_WIDTH)} ${shown}  ${found}`)
      if (better !== null) this.result(`${' '.repeat(ITEM_WIDTH + POINTS_WIDTH + 6)}${better}`)
    }
    return view
  }
}
