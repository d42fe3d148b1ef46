import type { KeyView, WorkerKeyView } from '../../../../api/wire.ts'
import { KaosCommand } from '../../../base.ts'
import { indexed } from '../../../listings.ts'
import { localTime } from '../../../times.ts'

interface Listed {
  keys: KeyView[]
  workers: WorkerKeyView[]
}

export default class KeysList extends KaosCommand {
  static override description =
    'The keys of the installation, which sign checkpoints and verdicts, and those of its workers, which sign what jobs made; the newest first.'
  static override examples = ['<%= config.bin %> admin keys list']

  async run(): Promise<Listed> {
    await this.parse(KeysList)
    const { client } = await this.session()
    const [{ keys }, { keys: workers }] = await Promise.all([
      client.get<{ keys: KeyView[] }>('/admin/keys'),
      client.get<{ keys: WorkerKeyView[] }>('/admin/worker-keys'),
    ])
    const rows = keys.map(({ kid, createdAt, retiredAt }) => ({
      key_id: kid,
      created_at: localTime(createdAt),
      state: retiredAt === null ? 'signs' : `retired ${localTime(retiredAt)}`,
    }))
    if (rows.length > 0) this.table(indexed(undefined, ['key_id', 'created_at', 'state'], rows))
    else this.info('nothing was signed yet; the first key is made when it is needed')
    const columns = ['key_id', 'worker', 'enrolled_at', 'state']
    if (workers.length > 0) this.table(indexed('WORKERS', columns, workers.map(cellsOf)))
    return { keys, workers }
  }
}

function cellsOf({ enrolledAt, kid, name, retiredAt, revokedAt }: WorkerKeyView) {
  const retired = retiredAt === null ? 'signs' : `retired ${localTime(retiredAt)}`
  const state = revokedAt === null ? retired : `revoked ${localTime(revokedAt)}`
  return { key_id: kid, worker: name, enrolled_at: localTime(enrolledAt), state }
}
