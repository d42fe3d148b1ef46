/* Workers by name: enrolled with a token of their own, drained, retired. Each change is a fact with
 * its actor. A token lets its holder ask for work and nothing else. */
import type { Actor } from '../../api/actor.ts'
import { KaosError } from '../../api/errors.ts'
import type { NewWorkerToken } from '../../api/wire.ts'
import type { Json, Ledger, RecordWrite } from '../../graph/ledger.ts'
import { type Held, readRecord, retrying, same } from '../jobs/reading.ts'
import { pointerAt, recordsBelow } from '../ledger-reads.ts'
import type { Parts } from '../parts.ts'
import { ensureAgent } from '../people/agents.ts'
import { newToken, tokenKey } from '../people/token.ts'
import { type NameRecord, nameKeyOf, OWN_WORKER, WORKERS } from './records.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/
const DEFAULT_SECONDS = 365 * 24 * 3600

type Room = Pick<Parts, 'ledger' | 'now'>

interface Wanted {
  readonly name: string
  readonly expiresInSeconds?: number
  readonly address?: string
}

/** A token for a worker of that name, if need be this one; one that it had before ends. */
export async function enrolWorker(
  room: Room,
  actor: Actor,
  { name, expiresInSeconds = DEFAULT_SECONDS, address }: Wanted,
  token = newToken(),
): Promise<{ made: NewWorkerToken; record: NameRecord }> {
  requireName(name)
  const { ledger, now } = room
  const { organisation } = actor
  const at = address === undefined ? null : addressIn(address)
  const agent = await ensureAgent(ledger, agentPointer(name), 'worker', name, actor.id)
  const key = tokenKey(token)
  const record = await retrying(async () => {
    const held = await readRecord<NameRecord>(ledger, nameKeyOf(organisation, name))
    const expiresAt = now() + expiresInSeconds * 1000
    const until = new Date(expiresAt).toISOString()
    const drained = held?.value.retired ? null : (held?.value.drained ?? null)
    const value: NameRecord = {
      ...{ name, agent, token: { key, expiresAt }, retired: null, drained },
      address: at ?? held?.value.address ?? null,
    }
    const grant = { kind: 'worker', name, agent, organisation, expiresAt, fixed: true }
    const detail = { worker: agent, expiresAt: until, address: value.address }
    await commit(ledger, actor, held, value, { type: 'worker.enrolled', detail }, [
      { key, value: grant, expires: expiresAt },
      ...tokenEnd(held?.value).filter(ended => ended.key !== key),
    ])
    return value
  })
  const expiresAt = new Date(record.token!.expiresAt).toISOString()
  return { made: { name, token, expiresAt }, record }
}

export type Change = 'drained' | 'resumed' | 'retired'

/** A second time is no error. WORKER_NOT_FOUND when there is no worker of that name. */
export async function changeWorker(
  { ledger, now }: Room,
  actor: Actor,
  name: string,
  change: Change,
  reason: string | null,
): Promise<NameRecord> {
  return retrying(async () => {
    const held = await nameOrOwn(ledger, actor, name)
    const { value } = held
    const note = { by: actor.id, at: new Date(now()).toISOString(), reason }
    const after: NameRecord = {
      ...value,
      ...(change === 'drained' && { drained: value.drained ?? note }),
      ...(change === 'resumed' && { drained: null }),
      ...(change === 'retired' && { retired: value.retired ?? note, token: null }),
    }
    if (JSON.stringify(after) === JSON.stringify(value)) return value
    const gone = change === 'retired' ? [...tokenEnd(value), ...(await rowsOf(ledger, value))] : []
    const statement = { type: `worker.${change}`, detail: { worker: value.agent, reason } }
    await commit(ledger, actor, held, after, statement, gone)
    return after
  })
}

/** The server's own has no token, and a record only once it was drained. */
async function nameOrOwn(
  ledger: Ledger,
  { organisation }: Actor,
  name: string,
): Promise<Held<NameRecord>> {
  const key = nameKeyOf(organisation, name)
  const held = await readRecord<NameRecord>(ledger, key)
  if (held) return held
  const agent = name === OWN_WORKER ? await pointerAt(ledger, agentPointer(name)) : undefined
  if (!agent) {
    const next = 'see: kaos admin worker list'
    throw new KaosError('WORKER_NOT_FOUND', `there is no worker ${name}; ${next}`)
  }
  const none = { token: null, address: null, drained: null, retired: null }
  return { key, version: 0, value: { name, agent: agent.target, ...none } }
}

async function commit(
  ledger: Ledger,
  { id, organisation }: Actor,
  held: Held<NameRecord> | undefined,
  value: NameRecord,
  statement: { type: string; detail: { [key: string]: Json } },
  records: readonly RecordWrite[],
): Promise<void> {
  const key = nameKeyOf(organisation, value.name)
  await ledger.commit({
    actor: id,
    organisation,
    expect: [held ? same(held) : { record: key, version: 0 }],
    statements: [statement],
    records: [{ key, value: value as unknown as Json }, ...records],
  })
}

function tokenEnd(record: NameRecord | undefined): RecordWrite[] {
  return record?.token ? [{ key: record.token.key, value: null }] : []
}

async function rowsOf(ledger: Ledger, { agent }: NameRecord): Promise<RecordWrite[]> {
  const rows = await Array.fromAsync(recordsBelow(ledger, `${WORKERS}${agent}/`))
  return rows.map(({ key }) => ({ key, value: null }))
}

function agentPointer(name: string): string {
  return `agent/worker/${name}`
}

function requireName(name: string): void {
  if (name === OWN_WORKER) {
    const why = 'is the worker that kaos up starts for itself'
    throw new KaosError('INVALID_NAME', `"${name}" ${why}; choose another name`)
  }
  if (NAME.test(name)) return
  const rule = 'letters, digits and _ . -, beginning with a letter or digit, 64 at most'
  throw new KaosError('INVALID_NAME', `a worker's name has ${rule}`)
}

/** Scheme, host and port alone. */
function addressIn(text: string): string {
  const url = URL.parse(text)
  const isPlain = url && url.pathname === '/' && !url.search && !url.hash && !url.username
  if (isPlain && /^https?:$/.test(url.protocol)) return url.origin
  const how = 'give one like https://gpu1.internal:8090'
  throw new KaosError('BAD_REQUEST', `"${text}" is no address of a worker; ${how}`)
}
