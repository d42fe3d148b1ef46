import { Describe } from '../../catalogue/describe.ts'

export default class ModelDescribe extends Describe {
  static override examples = [
    '<%= config.bin %> model describe mnist --keyword svm --keyword digits',
  ]
  protected override readonly noun = 'model'
}
