import { Remove } from '../../catalogue/remove.ts'

export default class ModelRemove extends Remove {
  static override examples = ['<%= config.bin %> model remove mnist@v1 --yes']
  protected override readonly noun = 'model'
}
