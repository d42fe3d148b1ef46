import { Log } from '../../catalogue/log.ts'

export default class DataLog extends Log {
  static override examples = ['<%= config.bin %> data log features']
  protected override readonly noun = 'data'
}
