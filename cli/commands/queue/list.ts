import type { QueueView } from '../../../api/wire.ts'
import { KaosCommand } from '../../base.ts'
import { indexed } from '../../listings.ts'
import { Flags } from '../../options.ts'
import { localTime } from '../../times.ts'

type Row = QueueView['ready'][number] | QueueView['running'][number] | QueueView['waiting'][number]

export default class QueueList extends KaosCommand {
  static override description =
    'Three tables: what runs on which worker; what is next, in its order, and what it needs; and what waits for other work first.'
  static override examples = [
    '<%= config.bin %> queue list',
    '<%= config.bin %> queue list -w mnist --json',
  ]
  static override flags = {
    workspace: Flags.string({ char: 'w', summary: 'only of this one', helpValue: 'NAME' }),
  }

  async run(): Promise<QueueView> {
    const { flags } = await this.parse(QueueList)
    const { client } = await this.session()
    const query =
      flags.workspace === undefined ? '' : `?workspace=${encodeURIComponent(flags.workspace)}`
    const queue = await client.get<QueueView>(`/queue${query}`)
    for (const { workspace, by, at, reason } of queue.pauses) {
      const what =
        workspace === null ? 'the queue is paused' : `the queue of ${workspace} is paused`
      this.caution(`${what} by ${by} since ${localTime(at)}${reason === null ? '' : `: ${reason}`}`)
    }
    for (const { workspace, trials } of queue.limits) {
      this.info(`${workspace} may run ${trials} trial${trials === 1 ? '' : 's'} at once`)
    }
    const places = ['workspace', 'job', 'what', 'since']
    this.#show('RUNNING', [...places, 'worker', 'attempt'], queue.running)
    this.#show('READY', [...places, 'needs'], queue.ready)
    this.#show('WAITING', [...places, 'for'], queue.waiting)
    if (queue.truncated) this.caution(`${shownOf(queue)}; -w shows one workspace`)
    if (queue.running.length + queue.ready.length + queue.waiting.length === 0) {
      this.info('nothing runs and nothing waits')
    }
    return queue
  }

  #show(title: string, columns: string[], rows: readonly Row[]): void {
    if (rows.length === 0) return
    const cells = rows.map(row => ({
      workspace: row.workspace,
      job: row.jobId,
      what: whatOf(row),
      since: localTime(row.since),
      ...('worker' in row ? { worker: row.worker, attempt: row.attempt } : {}),
      ...('reason' in row ? { needs: row.reason, for: row.reason } : {}),
    }))
    this.table(indexed(title, columns, cells))
  }
}

function whatOf(row: Row): string {
  if (row.endpoint !== undefined) return `service ${row.endpoint}`
  if ('count' in row) return row.count === 1 ? '1 trial' : `${row.count} trials`
  return row.trial === undefined ? row.kind : `trial ${row.trial}`
}

/** `shown are 200 of 9997 that are ready`, of each part that is longer than its table. */
function shownOf({ counts, ...parts }: QueueView): string {
  const names = { running: 'that run', ready: 'that are ready', waiting: 'that wait' } as const
  const cut = (Object.keys(names) as (keyof typeof names)[]).flatMap(part => {
    const [shown, all] = [parts[part].length, counts[part]]
    if (all === shown) return []
    return [`${shown} of ${all ?? 'many'} ${names[part]}`]
  })
  return `shown are ${cut.join(', ')}`
}
