import { Get } from '../../catalogue/get.ts'

export default class ModelGet extends Get {
  static override examples = [
    '<%= config.bin %> model get mnist:champion --filter code --filter model',
  ]
  protected override readonly noun = 'model'
}
