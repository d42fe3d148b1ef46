import { Untag } from '../../catalogue/untag.ts'

export default class ModelUntag extends Untag {
  static override examples = ['<%= config.bin %> model untag mnist:rollback']
  protected override readonly noun = 'model'
}
