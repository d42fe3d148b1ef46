import { Inspect } from '../../catalogue/inspect.ts'

export default class DataInspect extends Inspect {
  static override examples = ['<%= config.bin %> data inspect features:clean']
  protected override readonly noun = 'data'
}
