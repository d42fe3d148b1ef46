import { Describe } from '../../catalogue/describe.ts'

export default class DataDescribe extends Describe {
  static override examples = [
    '<%= config.bin %> data describe features --title "Handwritten digits" --licence CC-BY-4.0',
  ]
  protected override readonly noun = 'data'
}
