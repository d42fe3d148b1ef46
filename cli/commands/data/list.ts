import { List } from '../../catalogue/list.ts'

export default class DataList extends List {
  static override examples = ['<%= config.bin %> data list', '<%= config.bin %> data list --json']
  protected override readonly noun = 'data'
}
