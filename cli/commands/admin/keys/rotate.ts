import type { KeyView, WorkerKeyView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { Flags } from '../../../options.ts'

export default class KeysRotate extends KaosCommand {
  static override description =
    'Makes a new signing key, endorsed by the one in use. With --worker that key of a worker is retired, and the worker makes a new one before its next job. What older keys signed stays good.'
  static override examples = [
    '<%= config.bin %> admin keys rotate',
    '<%= config.bin %> admin keys rotate --worker mRzXw…',
  ]
  static override flags = {
    worker: Flags.string({
      summary: 'key of a worker to retire: kaos admin keys list',
      helpValue: 'KEY',
    }),
  }

  async run(): Promise<KeyView | WorkerKeyView> {
    const { flags } = await this.parse(KeysRotate)
    const { client } = await this.session()
    if (flags.worker !== undefined) {
      const url = path`/admin/worker-keys/${flags.worker}/retire`
      const retired = await client.post<WorkerKeyView>(url)
      this.info(`key ${retired.kid} is retired; worker ${retired.name} makes a new one`)
      return retired
    }
    const key = await client.post<KeyView>('/admin/keys/rotate')
    this.info(`key ${key.kid} signs from now on`)
    return key
  }
}
