import { Inspect } from '../../catalogue/inspect.ts'

export default class ModelInspect extends Inspect {
  static override examples = ['<%= config.bin %> model inspect mnist:champion --json']
  protected override readonly noun = 'model'
}
