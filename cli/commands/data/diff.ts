import { Diff } from '../../catalogue/diff.ts'

export default class DataDiff extends Diff {
  static override examples = ['<%= config.bin %> data diff features@v1 features@v2']
  protected override readonly noun = 'data'
}
