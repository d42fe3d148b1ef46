import { Log } from '../../catalogue/log.ts'

export default class ModelLog extends Log {
  static override examples = ['<%= config.bin %> model log mnist --tag champion']
  protected override readonly noun = 'model'
}
