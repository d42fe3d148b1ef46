import type { StatsView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'
import { byteText, localTime } from '../../times.ts'

export default class AdminStats extends KaosCommand {
  static override description =
    'What is counted through the versions is as of the last collection, unless --fresh; what the store tells of itself is of now.'
  static override examples = [
    '<%= config.bin %> admin stats',
    '<%= config.bin %> admin stats --fresh',
  ]
  static override flags = {
    workspace: Flags.string({ char: 'w', summary: 'only this one', helpValue: 'NAME' }),
    fresh: Flags.boolean({ summary: 'count anew, which reads every folder' }),
  }

  async run(): Promise<StatsView> {
    const { flags } = await this.parse(AdminStats)
    const { client } = await this.session()
    const { workspace, fresh } = flags
    const stats = await client.get<StatsView>('/admin/stats', {
      workspace,
      fresh: fresh || undefined,
    })
    this.table({ columns: ['what', 'how much'], rows: overview(stats) })
    const rows = stats.workspaces.map(row => [
      row.workspace ?? '(uploads under way)',
      row.entities,
      byteText(row.logicalBytes),
      byteText(row.storedBytes),
      row.quotaBytes === null ? 'none' : byteText(row.quotaBytes),
    ])
    const columns = ['workspace', 'entities', 'logical', 'stored', 'quota']
    if (rows.length > 0) this.table({ columns, rows })
    this.info(`entities were counted at ${localTime(stats.countedAt)}`)
    if (stats.damaged > 0) {
      this.caution(`${stats.damaged} stored objects are damaged; see kaos admin fsck`)
    }
    return stats
  }
}

function overview(stats: StatsView): (readonly [string, string | number])[] {
  const { entities, logicalBytes, storedBytes, savedBytes, objects, packs, deadBytes } = stats
  const rows: (readonly [string, string | number])[] = [
    ['entities', entities],
    ['logical bytes', byteText(logicalBytes)],
    ['stored bytes', byteText(storedBytes)],
    ['saved by sharing', byteText(savedBytes)],
    ['objects', objects],
  ]
  if (packs !== null) rows.push(['packs', packs])
  if (deadBytes !== null) {
    const share = storedBytes + deadBytes === 0 ? 0 : deadBytes / (storedBytes + deadBytes)
    rows.push(['to be given back', `${byteText(deadBytes)} (${Math.round(share * 100)}%)`])
  }
  if (stats.freeBytes !== null) rows.push(['free on the volume', byteText(stats.freeBytes)])
  return rows
}
