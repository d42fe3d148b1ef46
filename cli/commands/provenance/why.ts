import type { WhyView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Args } from '../../options.ts'

export default class ProvenanceWhy extends KaosCommand {
  static override description =
    'The fewest inputs that differ: what differs only because something that it was made of does is not told, that something is. Then the code line by line, the data by files, packages, hyperparameters and metrics.'
  static override examples = [
    '<%= config.bin %> provenance why e23a2_9fd9d:b82151 e23a2_9fd9d:77aa01',
    '<%= config.bin %> provenance why best@v1 best@v2 --json',
  ]
  static override args = {
    a: Args.string({ required: true, description: 'a model, by any of its names' }),
    b: Args.string({ required: true, description: 'another' }),
  }

  async run(): Promise<WhyView> {
    const { args } = await this.parse(ProvenanceWhy)
    const { client, base } = await this.workspaceSession()
    const view = await client.get<WhyView>(`${base}/provenance/why`, { a: args.a, b: args.b })
    if (this.jsonEnabled()) return view
    const { whyText } = await import('../../provenance-texts.ts')
    await (await import('../../pager.ts')).page(whyText(view))
    return view
  }
}
