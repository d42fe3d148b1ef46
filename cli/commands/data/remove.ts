import { Remove } from '../../catalogue/remove.ts'

export default class DataRemove extends Remove {
  static override examples = ['<%= config.bin %> data remove features@v1']
  protected override readonly noun = 'data'
}
