import type { Ongoing, QuarantineView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Args, Flags } from '../../options.ts'

export default class Quarantine extends KaosCommand {
  static override description =
    'Marks content, by its digest: every entity that has it, in every workspace of the organisation, and everything that was or will be made of any of them. Nothing is trained, served or tagged from it until it is lifted. What runs is told, and with --drain stopped. Nothing is deleted.'
  static override examples = [
    '<%= config.bin %> quarantine features@v3 --reason "labels of May are swapped"',
    '<%= config.bin %> quarantine kit://chat:tuned#samples --reason "no consent" --drain',
    '<%= config.bin %> quarantine sha256:9f86… --reason "known to be tampered with"',
  ]
  static override args = {
    id: Args.string({ required: true, description: 'any name of it, or a digest' }),
  }
  static override flags = {
    reason: Flags.string({ char: 'r', summary: 'why', required: true, helpValue: 'TEXT' }),
    drain: Flags.boolean({ summary: 'stop the endpoints and jobs that work with it' }),
  }

  async run(): Promise<QuarantineView> {
    const { args, flags } = await this.parse(Quarantine)
    const { client, base } = await this.workspaceSession()
    const { reason, drain } = flags
    const body = { id: args.id, reason, ...(drain && { drain }) }
    const view = await client.post<QuarantineView>(`${base}/quarantine`, body)
    const { name, kind, digests } = view.quarantine
    const parts = digests.length > 1 ? ` and its ${digests.length - 1} parts` : ''
    this.info(`${kind === null ? '' : `${kind} `}${name}${parts} is quarantined`)
    for (const one of view.affected) this.#tell(one, drain)
    this.info(`see what came from it with: kaos provenance impact ${args.id}`)
    return view
  }

  #tell({ workspace, name, kind, stopped }: Ongoing, drain: boolean): void {
    const what = `${kind} ${name} of workspace ${workspace}`
    if (stopped) this.info(`${what} was stopped`)
    else if (drain) this.caution(`${what} had ended already`)
    else this.caution(`${what} goes on with it; --drain stops it`)
  }
}
