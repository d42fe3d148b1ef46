import type { WorkerKeyView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { path } from '../../../client.ts'
import { yes } from '../../../flags.ts'
import { Args, Flags } from '../../../options.ts'

export default class KeysRevoke extends KaosCommand {
  static override description =
    'For a key that somebody else may have. From now on nothing that it signed is taken: what runs is tried again. What was recorded before stays, and kaos verify points at it. A worker whose key was revoked makes a new one; to keep a worker out, revoke its token as well.'
  static override examples = [
    '<%= config.bin %> admin keys revoke mRzXw… --reason "the host was broken into"',
  ]
  static override args = {
    key: Args.string({ required: true, description: 'id of the key: kaos admin keys list' }),
  }
  static override flags = {
    reason: Flags.string({ summary: 'why, for the log', required: true, helpValue: 'TEXT' }),
    yes,
  }

  async run(): Promise<WorkerKeyView> {
    const { args, flags } = await this.parse(KeysRevoke)
    const { client } = await this.session()
    await this.confirmed(`Take nothing more that key ${args.key} signs?`, flags.yes)
    const { reason } = flags
    const key = await client.post<WorkerKeyView>(path`/admin/worker-keys/${args.key}/revoke`, {
      reason,
    })
    this.info(`key ${key.kid} of worker ${key.name} is revoked`)
    return key
  }
}
