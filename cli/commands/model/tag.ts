import { Tag } from '../../catalogue/tag.ts'

export default class ModelTag extends Tag {
  static override examples = ['<%= config.bin %> model tag e23a2_9fd9d:b82151 mnist:champion']
  protected override readonly noun = 'model'
}
