import { KaosError } from '../../../api/errors.ts'
import type { AuditRow, AuditView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'
import { page } from '../../pager.ts'
import { tableBlock } from '../../table.ts'
import { localTime, parseLifetime } from '../../times.ts'

const COLUMNS = ['at', 'who', 'what', 'on', 'result', 'times', 'request']

export default class Audit extends KaosCommand {
  static override description =
    'Changes are the statements of the ledger. Denials of somebody with a token are kept beside them, those that are alike as one row with their count, and sealed in the ledger each hour. Asking is itself recorded. It needs the role auditor or administrator.'
  static override examples = [
    '<%= config.bin %> admin audit --since 24h',
    '<%= config.bin %> admin audit --actor anna --json',
  ]
  static override flags = {
    since: Flags.string({
      summary: 'how far back, like 90m, 24h or 30d, or from a time on (RFC 3339)',
    }),
    actor: Flags.string({
      summary: 'only of this user or worker: name, or the beginning of an id',
    }),
    limit: Flags.integer({ summary: 'rows at most', default: 100, min: 1, max: 1000 }),
  }

  async run(): Promise<AuditView> {
    const { flags } = await this.parse(Audit)
    const { client } = await this.session()
    const { actor, limit } = flags
    const since = flags.since === undefined ? undefined : sinceOf(flags.since)
    const answer = await client.get<AuditView>('/admin/audit', { since, actor, limit })
    if (answer.rows.length === 0) this.info('nothing happened in that time')
    else if (!this.jsonEnabled()) {
      const table = tableBlock({ title: 'AUDIT', columns: COLUMNS, rows: answer.rows.map(rowOf) })
      await page(`${table}\n`)
      if (answer.truncated) this.caution('there is more: narrow it with --since or --actor')
    }
    return answer
  }
}

function rowOf({ at, actor, what, on, workspace, result, count, requestId }: AuditRow): string[] {
  const where = [workspace, on].filter(Boolean).join(': ')
  return [localTime(at), actor.name, what, where, result, String(count), requestId ?? '']
}

function sinceOf(text: string): string {
  const seconds = parseLifetime(text)
  const at = seconds == null ? Date.parse(text) : Date.now() - seconds * 1000
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  throw new KaosError('USAGE', `--since is "${text}"; give a time span like 24h, or a time`)
}
