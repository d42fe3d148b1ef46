import { memoryText } from '../../../../api/resources.ts'
import type { WorkerList as Answer, WorkerView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

const COLUMNS = ['name', 'state', 'host', 'runs', 'slots', 'labels', 'has', 'running', 'last_heard']

export default class WorkerList extends KaosCommand {
  static override description =
    'ready: heard of within the last minute. gone: not. drained: takes nothing new. new: was given a token and not heard of yet. Rows of hosts that were not heard of for a day go.'
  static override examples = [
    '<%= config.bin %> admin worker list',
    '<%= config.bin %> admin worker list --json',
  ]

  async run(): Promise<Answer> {
    await this.parse(WorkerList)
    const { client } = await this.session()
    const answer = await client.get<Answer>('/admin/workers')
    const rows = answer.workers.map(worker => ({
      name: worker.name,
      state: worker.state,
      host: worker.host ?? '',
      runs: worker.engine ?? worker.runner ?? '',
      slots: worker.slots ?? '',
      labels: (worker.labels ?? []).join(' '),
      has: sizeOf(worker),
      running: worker.running,
      last_heard: worker.lastHeard === null ? 'never' : localTime(worker.lastHeard),
    }))
    if (rows.length > 0) this.table(indexed(undefined, COLUMNS, rows))
    else this.caution('there are no workers; start one: kaos admin worker token NAME')
    for (const { name, state, by, reason } of answer.workers) {
      if (by === null) continue
      this.info(
        `${name} was ${state === 'retired' ? 'retired' : 'drained'} by ${by}${reason === null ? '' : `: ${reason}`}`,
      )
    }
    return answer
  }
}

/** `64 cores, 503Gi, 4 x NVIDIA H100 80GB HBM3`. */
function sizeOf({ cpus, memoryBytes, gpus = 0, devices = [] }: WorkerView): string {
  if (cpus === undefined || memoryBytes === undefined) return ''
  const models = Map.groupBy(devices, ({ model }) => model)
  const named = [...models].map(([model, some]) => `${some.length} x ${model}`)
  const others = gpus > 0 ? [`${gpus} GPUs`] : []
  return [`${cpus} cores`, memoryText(memoryBytes), ...(named.length > 0 ? named : others)].join(
    ', ',
  )
}
