import type { TagHistory, VersionList, VersionView } from '../../api/wire.ts'
import { path } from '../client.ts'
import { Args, Flags } from '../options.ts'
import { page } from '../pager.ts'
import { tableBlock } from '../table.ts'
import { localTime } from '../times.ts'
import { CatalogueCommand, repositoryPath } from './command.ts'
import { versionsTable } from './shown.ts'

export abstract class Log extends CatalogueCommand {
  static override description =
    'Versions, newest first: digest, tags, who made it when and from what. With --tag: where that tag stood, and who moved it.'
  static override args = {
    name: Args.string({ required: true, description: 'name of it in the catalogue' }),
  }
  static override flags = {
    limit: Flags.integer({ char: 'l', summary: 'so many at most', min: 1, default: 50 }),
    tag: Flags.string({ char: 't', summary: 'show the moves of this tag instead' }),
  }

  async run(): Promise<{ versions: VersionView[] } | TagHistory> {
    const { args, flags } = await this.parse(Log)
    const { client, base } = await this.workspaceSession()
    const repository = repositoryPath(base, args.name)
    if (flags.tag !== undefined) {
      const history = await client.get<TagHistory>(`${repository}${path`/tags/${flags.tag}`}`)
      await this.#showMoves(history)
      return history
    }
    const versions: VersionView[] = []
    let next: string | null = ''
    while (next !== null && versions.length < flags.limit) {
      const limit = Math.min(flags.limit - versions.length, 100)
      const query = { limit, ...(next !== '' && { cursor: next }) }
      const list: VersionList = await client.get(`${repository}/versions`, query)
      versions.push(...list.versions)
      next = list.next
    }
    if (!this.jsonEnabled()) await page(`${tableBlock(versionsTable(versions))}\n`)
    if (next !== null) this.info(`there are older ones; see more with --limit ${flags.limit * 2}`)
    else this.info(`compare two with: ${this.kaos('diff')} ${args.name}@v1 ${args.name}`)
    return { versions }
  }

  async #showMoves({ moves }: TagHistory): Promise<void> {
    if (this.jsonEnabled()) return
    const rows = moves.map(({ at, author, from, to }) => {
      return [localTime(at), author, from ?? 'nothing', to ?? 'nothing']
    })
    await page(`${tableBlock({ columns: ['when', 'who', 'from', 'to'], rows })}\n`)
  }
}
