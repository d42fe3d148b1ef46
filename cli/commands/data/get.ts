import { Get } from '../../catalogue/get.ts'

export default class DataGet extends Get {
  static override examples = [
    '<%= config.bin %> data get features@v2 ./features --path "training/**"',
  ]
  protected override readonly noun = 'data'
}
