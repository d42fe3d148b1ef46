import { KaosCommand } from '../../../base.ts'
import { inForeground } from '../../../foreground.ts'
import { Flags } from '../../../options.ts'
import { programPath } from '../../../package-root.ts'

export default class LedgerRebuild extends KaosCommand {
  static override enableJsonFlag = false
  static override description =
    'Works on the data folder itself, while no server runs. The log stays as it is; refuses when the log is damaged.'
  static override examples = ['<%= config.bin %> admin ledger rebuild --data /srv/kaos']
  static override flags = {
    data: Flags.string({ summary: 'data folder of the server (also KAOS_DATA)', helpValue: 'DIR' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LedgerRebuild)
    const options = flags.data === undefined ? [] : ['--data', flags.data]
    process.exitCode = await inForeground(programPath('server/upkeep/main'), [
      'rebuild',
      ...options,
    ])
  }
}
