import { KaosCommand } from '../../../base.ts'
import { inForeground } from '../../../foreground.ts'
import { Flags } from '../../../options.ts'
import { programPath } from '../../../package-root.ts'

export default class LedgerMigrate extends KaosCommand {
  static override enableJsonFlag = false
  static override description =
    'Copies the ledger between the SQLite file of the data folder and the Neo4j of KAOS_NEO4J_URL, while no server runs, verifies the copy and compares the roots. What it is copied from stays as it is.'
  static override examples = [
    'KAOS_NEO4J_URL=bolt://localhost:7687 KAOS_NEO4J_PASSWORD_FILE=neo4j.password <%= config.bin %> admin ledger migrate --to neo4j',
  ]
  static override flags = {
    to: Flags.string({ summary: 'where to', options: ['neo4j', 'sqlite'], required: true }),
    data: Flags.string({ summary: 'data folder of the server (also KAOS_DATA)', helpValue: 'DIR' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(LedgerMigrate)
    const options = flags.data === undefined ? [] : ['--data', flags.data]
    const program = programPath('server/upkeep/main')
    process.exitCode = await inForeground(program, ['migrate', '--to', flags.to, ...options])
  }
}
