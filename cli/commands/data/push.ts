import { Push } from '../../catalogue/push.ts'

export default class DataPush extends Push {
  static override examples = [
    '<%= config.bin %> data push ./features -t clean -m "without outliers"',
    '<%= config.bin %> data push ./features --from features@v2',
  ]
  protected override readonly noun = 'data'
}
