import type { FoundNode, SearchView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Flags } from '../../options.ts'

export default class ProvenanceSearch extends KaosCommand {
  static override description =
    'Newest first; all that is given must hold. Kinds are model, data, source, artifact, train and others of the graph; a time is like 2026-01-31 or 2026-01-31T12:00:00Z.'
  static override examples = [
    "<%= config.bin %> provenance search --kind model --metric 'accuracy>0.9' --metric 'loss<0.2'",
    '<%= config.bin %> provenance search --author jfriedman --since 2026-01-01 --text features',
    '<%= config.bin %> provenance search --tag champion',
  ]
  static override flags = {
    kind: Flags.string({ summary: 'kinds, with commas between', helpValue: 'KIND' }),
    author: Flags.string({ summary: 'who made it', helpValue: 'NAME' }),
    since: Flags.string({ summary: 'not older', helpValue: 'WHEN' }),
    until: Flags.string({ summary: 'not younger', helpValue: 'WHEN' }),
    metric: Flags.string({
      summary: "bound of a metric, like 'accuracy>0.9'; can be given again",
      multiple: true,
      helpValue: 'BOUND',
    }),
    text: Flags.string({ aliases: ['name'], summary: 'part of its name, folder, tags or id' }),
    tag: Flags.string({ summary: 'tag that stands at it: champion, or features:clean' }),
    limit: Flags.integer({ char: 'l', summary: 'so many at most', min: 1, default: 50 }),
  }

  async run(): Promise<SearchView> {
    const { flags } = await this.parse(ProvenanceSearch)
    const { client, base } = await this.workspaceSession()
    const { kind, author, since, until, text, tag } = flags
    const asked = { kind, author, since, until, text, tag, metric: flags.metric?.join(',') }
    const results: FoundNode[] = []
    let next: string | null = null
    do {
      const cursor: string | undefined = next ?? undefined
      const limit = Math.min(1000, flags.limit - results.length)
      const query = { ...asked, limit, cursor }
      const page: SearchView = await client.get(`${base}/provenance/search`, query)
      results.push(...page.results)
      next = page.next
    } while (next !== null && results.length < flags.limit)
    if (this.jsonEnabled()) return { results, next }
    if (results.length === 0) this.info('nothing fits')
    else {
      const { foundTable } = await import('../../provenance-texts.ts')
      const { tableBlock } = await import('../../table.ts')
      await (await import('../../pager.ts')).page(`${tableBlock(foundTable(results))}\n`)
    }
    if (next !== null)
      this.info(`there may be older ones; see more with --limit ${flags.limit * 2}`)
    return { results, next }
  }
}
