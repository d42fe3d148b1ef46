import type { QuarantineRow } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Args, Flags } from '../../options.ts'

export default class QuarantineLift extends KaosCommand {
  static override description =
    'What was put in with it comes out with it. That it was in, and why it came out, stays recorded. Needs the right to maintain.'
  static override examples = [
    '<%= config.bin %> quarantine lift features@v3 --reason "labels checked: they are right"',
  ]
  static override args = {
    id: Args.string({ required: true, description: 'any name of it, or a digest' }),
  }
  static override flags = {
    reason: Flags.string({ char: 'r', summary: 'why', required: true, helpValue: 'TEXT' }),
  }

  async run(): Promise<QuarantineRow> {
    const { args, flags } = await this.parse(QuarantineLift)
    const { client, base } = await this.workspaceSession()
    const body = { id: args.id, reason: flags.reason }
    const row = await client.post<QuarantineRow>(`${base}/quarantine/lift`, body)
    this.info(`${row.name} is out of quarantine, in which ${row.author} put it: ${row.reason}`)
    return row
  }
}
