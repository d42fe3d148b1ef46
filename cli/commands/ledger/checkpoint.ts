import type { CheckpointView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'

export default class LedgerCheckpoint extends KaosCommand {
  static override description =
    'A signed note (C2SP tlog-checkpoint): how many statements the log has and what its root is. Keep one outside the server, and any later change of what it covers can be proved.'
  static override examples = ['<%= config.bin %> ledger checkpoint > checkpoint.txt']

  async run(): Promise<CheckpointView> {
    await this.parse(LedgerCheckpoint)
    const { client } = await this.session()
    const checkpoint = await client.get<CheckpointView>('/ledger/checkpoint')
    if (!this.jsonEnabled()) process.stdout.write(checkpoint.note)
    return checkpoint
  }
}
