import { KaosError } from '../../../api/errors.ts'
import type { PurgeView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import * as shared from '../../flags.ts'
import { Args, Flags } from '../../options.ts'

export default class AdminPurge extends KaosCommand {
  static override description =
    'Drops the content although jobs used it or names stand at it. The facts stay, and say who purged it, when and why; whoever asks for the content is told so. Bytes that other content shares stay. It cannot be undone; pushing the same folder again is a new version.'
  static override examples = [
    '<%= config.bin %> admin purge people@v3 --reason "a person asked for erasure"',
  ]
  static override args = {
    reference: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'version, bundle, model, or the id of an entity',
    }),
  }
  static override flags = {
    reason: Flags.string({ summary: 'why, for the record', required: true, helpValue: 'TEXT' }),
    yes: shared.yes,
  }

  async run(): Promise<PurgeView> {
    const { flags, args } = await this.parse(AdminPurge)
    const reason = flags.reason.trim()
    if (reason === '') throw new KaosError('USAGE', '--reason: say why in some words')
    const { client, workspace } = await this.workspaceSession()
    const { reference } = args
    await this.confirmed(
      `Drop the content of ${reference} in workspace ${workspace} for ever?`,
      flags.yes,
    )
    const view = await client.post<PurgeView>('/admin/purge', { workspace, reference, reason })
    const { entities, first } = view.shared
    this.info(`Successfully purged ${view.kind} ${view.name} (${view.entity})`)
    if (entities > 0) {
      const more = entities > first.length ? ` and ${entities - first.length} more` : ''
      this.caution(`some of its bytes stay, in ${first.join(', ')}${more}`)
    }
    this.info('its other bytes are being removed; see: kaos admin gc --status')
    return view
  }
}
