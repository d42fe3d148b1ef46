import type { ServerView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { environment } from '../../config.ts'
import { Flags } from '../../options.ts'

export default class LedgerForget extends KaosCommand {
  static override description =
    'For when the ledger was restored from an older backup on purpose: what the server shows next counts as seen for the first time.'
  static override examples = ['<%= config.bin %> ledger forget --yes']
  static override flags = {
    yes: Flags.boolean({ char: 'y', summary: 'do not ask' }),
  }

  async run(): Promise<{ forgotten: boolean }> {
    const { flags } = await this.parse(LedgerForget)
    const { client } = await this.session()
    await this.confirmed('Believe whatever history the server shows next?', flags.yes)
    const { installation } = await client.get<ServerView>('/server')
    const { forget } = await import('../../witness.ts')
    const forgotten = forget(environment().stateHome, installation)
    this.info(forgotten ? 'what was seen is forgotten' : 'nothing had been seen from here')
    return { forgotten }
  }
}
