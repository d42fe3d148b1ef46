import type { ModelView, RepositoryList, RepositoryRow } from '../../api/wire.ts'
import { Flags } from '../options.ts'
import { page } from '../pager.ts'
import { type Table, tableBlock } from '../table.ts'
import { byteText, localTime } from '../times.ts'
import { CatalogueCommand } from './command.ts'

interface Listed {
  readonly repositories: RepositoryRow[]
  readonly models?: ModelView[]
}

const KINDS: Readonly<Record<string, string>> = { data: 'data set', artifact: 'ModelKit' }
const TAGS_SHOWN = 10
/** So many metrics of a trained model are shown. */
const METRICS_SHOWN = 3

export abstract class List extends CatalogueCommand {
  static override flags = {
    limit: Flags.integer({ char: 'l', summary: 'so many at most', min: 1, default: 1000 }),
  }

  async run(): Promise<Listed> {
    const { flags } = await this.parse(List)
    const { client, base } = await this.workspaceSession()
    const repositories: RepositoryRow[] = []
    for (let cursor: string | undefined; repositories.length < flags.limit; ) {
      const left = Math.min(flags.limit - repositories.length, 1000)
      const query = { kind: this.noun, limit: left, cursor }
      const answer = await client.get<RepositoryList>(`${base}/repositories`, query)
      repositories.push(...answer.repositories)
      if (answer.next === null) break
      cursor = answer.next
    }
    const models = this.noun === 'model' ? await this.#trained(base, client) : []
    const tables = [repositoryTable(repositories), trainedTable(models)].flat()
    if (tables.length === 0) this.#sayNothing()
    else if (!this.jsonEnabled()) await page(tables.map(one => `${tableBlock(one)}\n`).join(''))
    if (models.length > 0) this.info(`name one with: ${this.kaos('tag')} <model_id> <name>:<tag>`)
    return this.noun === 'model' ? { repositories, models } : { repositories }
  }

  /** Those that have no place in the catalogue yet. */
  async #trained(base: string, client: { get<T>(path: string): Promise<T> }) {
    const { models } = await client.get<{ models: ModelView[] }>(`${base}/models`)
    return models.filter(({ versions, jobId }) => versions.length === 0 && jobId !== null)
  }

  #sayNothing(): void {
    const first = this.noun === 'data' ? 'one' : 'one, or train one with kaos train deploy'
    const next = `push ${first}: ${this.kaos('push')} <folder>`
    this.caution(`there are no ${this.what}s in this workspace yet; ${next}`)
  }
}

function repositoryTable(rows: readonly RepositoryRow[]): Table[] {
  if (rows.length === 0) return []
  const kinds = new Set(rows.map(row => row.kind)).size > 1
  const columns = ['name', 'newest', 'tags', 'size', 'files', 'updated', 'by']
  const cells = rows.map(row => [
    row.name,
    `v${row.newest}`,
    tagsText(row.tags),
    byteText(row.bytes),
    row.files ?? '',
    localTime(row.at),
    row.author,
    ...(kinds ? [KINDS[row.kind] ?? row.kind] : []),
  ])
  return [{ columns: kinds ? [...columns, 'kind'] : columns, rows: cells }]
}

function tagsText(tags: readonly string[]): string {
  const more = tags.length - TAGS_SHOWN
  const shown = tags.slice(0, TAGS_SHOWN)
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('\n')
}

function trainedTable(models: readonly ModelView[]): Table[] {
  if (models.length === 0) return []
  const columns = ['model_id', 'job_id', 'metrics', 'trained', 'by']
  const rows = models.map(({ modelId, jobId, metrics, at, author }) => {
    return [modelId, jobId, metricsText(metrics), localTime(at), author]
  })
  return [{ title: 'TRAINED, IN NO REPOSITORY', columns, rows }]
}

function metricsText(metrics: ModelView['metrics']): string {
  const numbers = Object.entries(metrics).filter(([, value]) => typeof value === 'number')
  return numbers
    .slice(0, METRICS_SHOWN)
    .map(([name, value]) => `${name}=${Number(value).toPrecision(4)}`)
    .join('\n')
}
