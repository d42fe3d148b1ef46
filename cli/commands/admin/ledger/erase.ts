import { KaosError } from '../../../../api/errors.ts'
import type { ErasableView, ErasedView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import * as shared from '../../../flags.ts'
import { Args, Flags } from '../../../options.ts'
import { localTime } from '../../../times.ts'

/** Things named in the question. */
const SHOWN = 5

export default class LedgerErase extends KaosCommand {
  static override description =
    'For what the law wants forgotten. The words of the statement go from the log, and names and attributes of what it made go from the graph, for ever. Its leaf stays, so every checkpoint and every proof stays good, and so do ids, kinds, digests and edges. Who erased it, when and why is a statement of its own. Content is dropped by: kaos admin purge.'
  static override examples = [
    '<%= config.bin %> admin ledger erase 1432 --reason "a person asked for erasure"',
    '<%= config.bin %> admin ledger erase 019aa4f2b6c97d31a2f40c8e55d01b7e --reason "court order 12/26"',
  ]
  static override args = {
    statement: Args.string({
      ignoreStdin: true,
      required: true,
      description: 'number of a statement, or the id of something that it made',
    }),
  }
  static override flags = {
    reason: Flags.string({ summary: 'why, for the record', required: true, helpValue: 'TEXT' }),
    yes: shared.yes,
  }

  async run(): Promise<ErasedView> {
    const { flags, args } = await this.parse(LedgerErase)
    const reason = flags.reason.trim()
    if (reason === '') throw new KaosError('USAGE', '--reason: say why in some words')
    const { client } = await this.session()
    const of = args.statement
    const wanted = await client.get<ErasableView>('/admin/ledger/statement', { of })
    await this.confirmed(questionOf(wanted), flags.yes)
    const body = { statement: wanted.seq, reason }
    const view = await client.post<ErasedView>('/admin/ledger/erase', body)
    this.info(
      `Successfully erased statement ${view.seq} (${view.type}); statement ${view.by} says so`,
    )
    this.info(
      'backups and copies made before still hold it; see all with: kaos admin ledger erasures',
    )
    return view
  }
}

function questionOf({ seq, at, type, nodes }: ErasableView): string {
  const names = nodes.slice(0, SHOWN).map(({ kind, name, id }) => `${kind} ${name ?? id}`)
  const more = nodes.length > SHOWN ? ` and ${nodes.length - SHOWN} more` : ''
  const made = names.length === 0 ? '' : `, which made ${names.join(', ')}${more}`
  return `Erase statement ${seq} (${type}, ${localTime(at)}${made}) for ever?`
}
