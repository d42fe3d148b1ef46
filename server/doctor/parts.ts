/* What a running server can say of its own parts. */
import { isKaosError } from '../../api/errors.ts'
import { versionOf } from '../../api/version.ts'
import type { DoctorFinding as Finding, WorkerView } from '../../api/wire.ts'
import type { Care } from '../care/care.ts'
import type { Rooms } from '../rooms.ts'
import type { Check } from '../system/checks.ts'
import { bad, bytesText, good, type Look, warning } from './findings.ts'

const SLOW_MS = 1000
/** So far the clocks of servers over one ledger may be apart. */
const SKEW_MS = 5000

interface Options {
  readonly care: Pick<Care, 'fsck' | 'scrub'>
  /** Of /readyz. */
  readonly checks: Readonly<Record<string, Check>>
}

export function partLooks(rooms: Rooms, { care, checks }: Options): Record<string, Look> {
  const { redis } = rooms.settings
  return {
    ledger: () => ledger(rooms),
    'signing key': () => signingKey(rooms),
    store: () => store(rooms, care),
    ...(redis && { queue: async () => (await import('./redis.ts')).lookAtRedis(redis) }),
    'own worker': () => worker(checks.runner),
  }
}

async function ledger({ ledger, now, settings }: Rooms): Promise<Finding[]> {
  const begun = performance.now()
  const { size, root } = await ledger.head()
  const ms = Math.round(performance.now() - begun)
  const where = settings.neo4j ? `Neo4j ${settings.neo4j.url}` : 'SQLite file'
  const what = `${where}: ${size} statements, root ${root.slice(0, 16)}…, answers in ${ms} ms`
  const slow = warning('ledger', what, 'see what keeps its disk or its host busy')
  const [last] = await ledger.log(Math.max(0, size - 1), 1, { leaves: true })
  const ahead = last === undefined ? 0 : Date.parse(last.at) - now()
  const found = [ms > SLOW_MS ? slow : good('ledger', what)]
  if (ahead <= SKEW_MS) return found
  const behind = `the clock here is ${Math.round(ahead / 1000)} seconds behind the ledger's last statement`
  const mend =
    'set it right (timedatectl set-ntp true); nothing is lost, times in the log stand still till then'
  return [...found, warning('clock', behind, mend)]
}

async function signingKey({ keys }: Rooms): Promise<Finding> {
  try {
    const { kid, createdAt } = await keys.current()
    return good('signing key', `${kid.slice(0, 12)}…, made ${createdAt.slice(0, 10)}`)
  } catch (error) {
    if (!isKaosError(error, 'CONFIGURATION')) throw error
    return bad(
      'signing key',
      error.message,
      'put back the secret key that this ledger was made with',
    )
  }
}

async function store({ store }: Rooms, { fsck, scrub }: Options['care']): Promise<Finding[]> {
  const damaged = await store.damaged()
  const { objects, bytes } = await store.stats()
  const { days, finishedAt, found } = await scrub()
  const last = await fsck.last()
  const checked = last
    ? `fsck: ${last.state}${last.finishedAt ? `, ${last.finishedAt.slice(0, 10)}` : ''}`
    : 'no fsck yet'
  const read =
    days === 0
      ? 'not read by itself'
      : `read in ${days} days, last round ${finishedAt?.slice(0, 10) ?? 'not over yet'}`
  const what = `${objects} objects of ${bytesText(bytes)}; ${read}; ${checked}`
  if (damaged > 0 || found > 0 || last?.state === 'damaged') {
    const count = Math.max(damaged, found, last?.found ?? 0)
    const mend = 'see what they affect and how to heal it: kaos admin fsck --wait'
    return [bad('store', `${count} damaged or missing objects; ${what}`, mend)]
  }
  if (days === 0 && !last) {
    return [warning('store', what, 'let it be read: kaos admin fsck, or KAOS_SCRUB_DAYS=7')]
  }
  return [good('store', what)]
}

async function worker(check: Check | undefined): Promise<Finding> {
  const trouble = await check?.()
  if (trouble === undefined) return good('own worker', 'nothing is wrong with it')
  const mend = 'its log says more: worker/worker.log in the data folder'
  return bad('own worker', trouble, mend)
}

/** Of every worker that was heard of. */
export function workersLook(views: () => Promise<readonly WorkerView[]>): Look {
  return async () => {
    const here = (await views()).filter(one => one.state !== 'retired' && one.state !== 'new')
    if (here.length === 0) {
      const mend = 'start one: kaos worker, or kaos up without --no-worker'
      return bad('workers', 'there is none, so nothing runs', mend)
    }
    return here.map(one => workerFinding(one))
  }
}

function workerFinding({ name, state, lastHeard, version, runner, running }: WorkerView): Finding {
  const what = `${name} (${runner ?? 'runner not known'}, kaos ${version ?? 'of an unknown version'}): ${state}, runs ${running}`
  if (state === 'gone') {
    const mend = `start it again, or let it go for good: kaos admin worker retire ${name}`
    return bad('workers', `${what}; last heard of at ${lastHeard}`, mend)
  }
  if (version !== undefined && version !== versionOf()) {
    return warning('workers', what, `bring it to the server's version, ${versionOf()}`)
  }
  return good('workers', what)
}
