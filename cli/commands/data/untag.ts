import { Untag } from '../../catalogue/untag.ts'

export default class DataUntag extends Untag {
  static override examples = ['<%= config.bin %> data untag features:clean']
  protected override readonly noun = 'data'
}
