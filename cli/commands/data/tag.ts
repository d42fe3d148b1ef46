import { Tag } from '../../catalogue/tag.ts'

export default class DataTag extends Tag {
  static override examples = ['<%= config.bin %> data tag features@v3 clean']
  protected override readonly noun = 'data'
}
