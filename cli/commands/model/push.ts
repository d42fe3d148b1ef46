import { Push } from '../../catalogue/push.ts'

export default class ModelPush extends Push {
  static override examples = [
    '<%= config.bin %> model push ./mnist-svm -n mnist -t challenger',
    '<%= config.bin %> model push ./mnist-svm --from e23a2_9fd9d:b82151',
  ]
  protected override readonly noun = 'model'
}
