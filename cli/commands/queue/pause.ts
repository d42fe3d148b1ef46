import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'

export default class QueuePause extends KaosCommand {
  static override description =
    'No more builds, ingestions and trials are begun. What runs goes on, and services are started and kept up all the same. Needs the right to administer.'
  static override examples = [
    '<%= config.bin %> queue pause --reason "the disks are exchanged"',
    '<%= config.bin %> queue pause -w mnist',
  ]
  static override flags = {
    workspace: Flags.string({ char: 'w', summary: 'only of this one', helpValue: 'NAME' }),
    reason: Flags.string({ char: 'r', summary: 'why, for those who wait', helpValue: 'TEXT' }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(QueuePause)
    const { client } = await this.session()
    await client.post('/queue/pause', flagsOf(flags))
    const what = flags.workspace === undefined ? 'the queue' : `the queue of ${flags.workspace}`
    this.info(`Successfully paused ${what}; let it go on with: kaos queue resume${of(flags)}`)
  }
}

interface Given {
  readonly workspace?: string | undefined
  readonly reason?: string | undefined
}

export function flagsOf({ workspace, reason }: Given) {
  return { ...(workspace === undefined ? {} : { workspace }), ...(reason ? { reason } : {}) }
}

function of({ workspace }: Given): string {
  return workspace === undefined ? '' : ` -w ${workspace}`
}
