import { List } from '../../catalogue/list.ts'

export default class ModelList extends List {
  static override examples = ['<%= config.bin %> model list', '<%= config.bin %> model list --json']
  protected override readonly noun = 'model'
}
