import type { ImpactView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { Args, Flags } from '../../options.ts'
import type { Table } from '../../table.ts'
import { countText } from '../../times.ts'

/** Rows of a table in a terminal. */
const SHOWN = 20
const PAGE = 1000

export default class ProvenanceImpact extends KaosCommand {
  static override description =
    'What would be wrong if this were wrong: everything that was made of it, of something with the same content, or of what came from these, whatever its name.'
  static override examples = [
    '<%= config.bin %> provenance impact features@v3',
    '<%= config.bin %> provenance impact mnist:e23a2 --json',
  ]
  static override args = {
    id: Args.string({ required: true, description: 'any name of what you look for' }),
  }
  static override flags = {
    limit: Flags.integer({ summary: 'things, at most', min: 1, default: PAGE }),
  }

  async run(): Promise<ImpactView> {
    const { args, flags } = await this.parse(ProvenanceImpact)
    const { client, base } = await this.workspaceSession()
    const ask = (cursor: string | undefined, limit: number) =>
      client.get<ImpactView>(`${base}/provenance/impact`, { id: args.id, limit, cursor })
    const view = await ask(undefined, Math.min(PAGE, flags.limit))
    const rows = () => view.jobs.length + view.models.length + view.others.length
    while (view.next !== null && rows() < flags.limit) {
      const page = await ask(view.next, Math.min(PAGE, flags.limit - rows()))
      for (const part of ['jobs', 'models', 'others'] as const) {
        ;(view[part] as unknown[]).push(...page[part])
      }
      view.next = page.next
    }
    if (!this.jsonEnabled()) await this.#show(view)
    return view
  }

  async #show(view: ImpactView): Promise<void> {
    const { of, same, counts, truncated, next } = view
    const { impactTables } = await import('../../provenance-texts.ts')
    const { tableBlock } = await import('../../table.ts')
    const { page } = await import('../../pager.ts')
    const tables: Table[] = impactTables(view, SHOWN)
    if (tables.length === 0) this.result(`nothing came from ${of.kind} ${of.name}`)
    else await page(tables.map(table => `${tableBlock(table)}\n`).join(''))
    if (same.length > 0) {
      this.info(`also through the same content: ${same.map(one => one.name).join(', ')}`)
    }
    const { jobs, models, others, tags, endpoints } = counts
    const things = {
      endpoint: endpoints,
      tag: tags,
      model: models,
      job: jobs,
      'other thing': others,
    }
    const all = Object.entries(things).map(([what, count]) => countText(count, what))
    this.info(`${of.kind} ${of.name}: ${all.join(', ')}`)
    if (truncated) this.caution('there is more than was looked at; tags and endpoints are complete')
    const isCut = tables.length > 0 && Math.max(jobs, models, others, tags, endpoints) > SHOWN
    if (next !== null || isCut) this.info('see all with --json, and more with --limit')
  }
}
