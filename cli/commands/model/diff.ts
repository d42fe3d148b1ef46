import { Diff } from '../../catalogue/diff.ts'

export default class ModelDiff extends Diff {
  static override examples = ['<%= config.bin %> model diff mnist:champion mnist:challenger']
  protected override readonly noun = 'model'
}
