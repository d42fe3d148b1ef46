import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'
import { flagsOf } from './pause.ts'

export default class QueueResume extends KaosCommand {
  static override description = 'Ends a pause. Needs the right to administer.'
  static override examples = [
    '<%= config.bin %> queue resume',
    '<%= config.bin %> queue resume -w mnist',
  ]
  static override flags = {
    workspace: Flags.string({ char: 'w', summary: 'only of this one', helpValue: 'NAME' }),
    reason: Flags.string({ char: 'r', summary: 'why', helpValue: 'TEXT' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QueueResume)
    const { client } = await this.session()
    await client.post('/queue/resume', flagsOf(flags))
    const what = flags.workspace === undefined ? 'the queue' : `the queue of ${flags.workspace}`
    this.info(`Successfully resumed ${what}`)
  }
}
