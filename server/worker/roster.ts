/* The workers that were heard of: records of the ledger, with a mirror in memory. A worker is heard of
 * whenever it asks for work, which it does several times a minute also when it has no room for any. */
import type { Actor } from '../../api/actor.ts'
import type { Address, Claim, Reach, Resources } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import { checkResources } from '../../api/resources.ts'
import type { Json } from '../../graph/ledger.ts'
import type { Held, LiveAttempts } from '../attempts/live.ts'
import { recordsOf } from '../jobs/reading.ts'
import type { AttemptRecord, WorkRef } from '../jobs/records.ts'
import type { Parts, Tunnel } from '../parts.ts'
import { type Capacity, canEver, shortOf, type Used, usedBy, wantedFor } from './fit.ts'
import { pinnedTo } from './pinned.ts'
import {
  NAMES,
  type NameRecord,
  OWN_WORKER,
  WORKERS,
  type WorkerRecord,
  workerKeyOf,
} from './records.ts'

/** Heard of this lately, a worker is taken to be there. */
export const HERE_MS = 60_000
const WRITTEN_MS = 15_000
/** What was not heard of for so long is forgotten. */
const KEPT_MS = 24 * 3600_000

/** Who asks for work. `about` is absent for a worker that did not say what it has. */
export interface Taker {
  readonly agent: string
  readonly instance: string
  readonly about: WorkerRecord | undefined
}

export class Roster {
  readonly #parts: Parts
  readonly #live: LiveAttempts
  readonly #workers = new Map<string, WorkerRecord>()
  readonly #names = new Map<string, NameRecord>()
  readonly #written = new Map<string, { text: string; at: number }>()
  /** Given out, and not among the live attempts yet. */
  readonly #going = new Map<WorkRef, Taker>()

  private constructor(parts: Parts, live: LiveAttempts) {
    this.#parts = parts
    this.#live = live
  }

  static async open(parts: Parts, live: LiveAttempts): Promise<Roster> {
    const roster = new Roster(parts, live)
    await roster.refresh()
    return roster
  }

  /** Reads all of it again: another server may have changed it. */
  async refresh(): Promise<void> {
    const { ledger } = this.#parts
    const names = await Array.fromAsync(recordsOf<NameRecord>(ledger, NAMES))
    const workers = await Array.fromAsync(recordsOf<WorkerRecord>(ledger, WORKERS))
    this.#names.clear()
    for (const { value } of names) this.#names.set(value.agent, value)
    const known = new Set(workers.map(({ key }) => key))
    for (const key of this.#workers.keys()) if (!known.has(key)) this.#workers.delete(key)
    for (const { key, value } of workers) {
      const heardAt = Math.max(value.heardAt, this.#workers.get(key)?.heardAt ?? 0)
      this.#workers.set(key, { ...value, heardAt })
    }
  }

  /** What was committed about a name. */
  learn(record: NameRecord): void {
    this.#names.set(record.agent, record)
    if (!record.retired) return
    for (const [key, { agent }] of this.#workers) {
      if (agent === record.agent) this.#workers.delete(key)
    }
  }

  /** A worker asks: keeps what it says, at most now and then when it says the same. */
  async heard(actor: Actor, claim: Claim, from: string | undefined): Promise<Taker> {
    const taker = { agent: actor.id, instance: claim.about?.instance ?? claim.worker }
    if (claim.about === undefined) return { ...taker, about: undefined }
    const { ledger, people, now } = this.#parts
    const heardAt = now()
    const { runner, about: said } = claim
    const to = await this.#pinned(actor, said.forwarder?.url, from)
    const known = { agent: actor.id, name: actor.name, runner, heardAt }
    const about = { ...said, ...known, ...(to && { to }) }
    const key = workerKeyOf(actor.id, said.instance)
    this.#workers.set(key, about)
    const text = JSON.stringify([said, runner])
    const written = this.#written.get(key)
    if (written?.text !== text || Math.abs(heardAt - written.at) >= WRITTEN_MS) {
      this.#written.set(key, { text, at: heardAt })
      const { id: by, organisation } = people.system
      const records = [{ key, value: about as unknown as Json, expires: heardAt + KEPT_MS }]
      await ledger.commit({ actor: by, organisation, records })
    }
    return { ...taker, about }
  }

  /** The address that a worker's services may be called at. BAD_REQUEST for another. */
  #pinned(
    { id, name }: Actor,
    url: string | undefined,
    from: string | undefined,
  ): Promise<string | undefined> {
    const allowed = this.#names.get(id)?.address ?? undefined
    // The server started it itself.
    if (url === undefined || name === OWN_WORKER) return Promise.resolve(undefined)
    const { behindProxy } = this.#parts.settings
    return pinnedTo({ url, name, allowed, from: behindProxy ? undefined : from })
  }

  /** How the service of an attempt is reached; undefined while that is not known. */
  reach(attempt: string, reach: Reach | null): Address | Tunnel | undefined {
    if (reach === null || !('forwarder' in reach)) return reach ?? undefined
    const record = this.#live.get(attempt)?.record
    const key = record && workerKeyOf(record.agent, record.instance ?? record.worker)
    const worker = key === undefined ? undefined : this.#workers.get(key)
    if (worker?.forwarder?.url !== reach.forwarder) return undefined
    const { url, certificate } = worker.forwarder
    return { attempt, url, to: worker.to, certificate, secret: this.#parts.secretOf(attempt) }
  }

  /** CONFLICT when the worker of this attempt may not make the server call there, or has not asked for
   * work since it said where. */
  requireReach({ agent, instance, worker }: AttemptRecord, reach: Reach): void {
    const known = this.#workers.get(workerKeyOf(agent, instance ?? worker))
    const isEnrolled = this.#names.has(agent) && this.#names.get(agent)!.name !== OWN_WORKER
    const isItsOwn = 'forwarder' in reach && known?.forwarder?.url === reach.forwarder
    if (isItsOwn || (!('forwarder' in reach) && !isEnrolled)) return
    const why = 'calls to a service go to the forwarder that its worker was let claim work with'
    throw new KaosError('CONFLICT', `${why}, and nowhere else (kaos worker --listen)`)
  }

  nameOf(agent: string): NameRecord | undefined {
    return this.#names.get(agent)
  }

  names(): NameRecord[] {
    return [...this.#names.values()]
  }

  /** Whether it takes nothing new. */
  isDrained(agent: string): boolean {
    const name = this.#names.get(agent)
    return name?.drained != null || name?.retired != null
  }

  workers(): WorkerRecord[] {
    const oldest = this.#parts.now() - KEPT_MS
    return [...this.#workers.values()].filter(({ heardAt }) => heardAt > oldest)
  }

  isHere({ heardAt }: WorkerRecord): boolean {
    return Math.abs(this.#parts.now() - heardAt) < HERE_MS
  }

  /** From now until `release` the work counts as the taker's. */
  hold(work: WorkRef, taker: Taker): () => void {
    this.#going.set(work, taker)
    return () => void this.#going.delete(work)
  }

  runningOn({ agent, instance }: Pick<WorkerRecord, 'agent' | 'instance'>): WorkRef[] {
    const running = this.#live.all().filter(({ record }) => record.agent === agent)
    const here = (record: AttemptRecord) => (record.instance ?? record.worker) === instance
    const works = running
      .filter(({ record }: Held) => here(record))
      .map(({ record }) => record.work)
    const ids = new Set(works.map(({ id }) => id))
    for (const [work, taker] of this.#going) {
      if (taker.agent !== agent || taker.instance !== instance || ids.has(work.id)) continue
      works.push(work)
    }
    return works
  }

  /** Whether the taker may have this now. */
  fits(taker: Taker): (work: WorkRef) => boolean {
    const { about } = taker
    if (this.isDrained(taker.agent)) return () => false
    if (about === undefined) return work => !('needs' in work) || !work.needs?.labels?.length
    const used = usedBy(this.runningOn(about))
    const { runner } = this.#parts.settings
    return work => canEver(work, about, runner) && shortOf(work, about, used) === undefined
  }

  /** What ready work waits for, in words that follow "needs". */
  need(work: WorkRef): string {
    const { runner } = this.#parts.settings
    const all = this.#candidates()
    if (all.length === 0) return 'a worker: none is connected'
    const known = all.filter(({ worker }) => canEver(work, worker, runner))
    const able = known.filter(one => one.here)
    if (able.length > 0) {
      const shorts = able.map(({ worker, used }) => shortOf(work, worker, used))
      return shorts.includes(undefined) ? 'a worker with a free slot' : shorts[0]!
    }
    const [away] = known
    const why = away ? `${away.worker.name} is ${away.why}` : 'none is connected'
    return `${wantedFor(work, runner)}; ${why}`
  }

  /** LABEL_, GPU_, MEMORY_ or CPU_REQUEST_ERROR when no known worker has what is asked for; what to
   * tell people when one has it that is not there. */
  require(asked: Resources): string[] {
    const { settings } = this.#parts
    const work = { kind: 'trial', needs: asked } as WorkRef
    const all = this.#candidates()
    if (all.length === 0) {
      return ['no worker is connected; it waits until there is one: kaos worker --help']
    }
    checkResources(
      asked,
      all.map(({ worker }) => worker),
    )
    const able = all.filter(({ worker }) => canEver(work, worker, settings.runner))
    if (able.some(one => one.here)) return []
    const [one] = able
    if (one) return [`it waits for worker ${one.worker.name}, which is ${one.why}`]
    const kind = settings.runner === 'process' ? 'processes' : 'containers'
    return [`no worker is connected that runs ${kind}; it waits until there is one`]
  }

  /** Workers that were heard of, and this server's own while it was not. */
  #candidates(): { worker: Capacity; here: boolean; why: string; used: Used }[] {
    const { limits, settings } = this.#parts
    const known = this.workers().map(worker => {
      const isDrained = this.isDrained(worker.agent)
      const isHere = this.isHere(worker)
      const since = new Date(worker.heardAt).toISOString().slice(0, 16).replace('T', ' ')
      return {
        worker,
        here: isHere && !isDrained,
        why: isDrained ? 'drained' : `not heard of since ${since} UTC`,
        used: usedBy(this.runningOn(worker)),
      }
    })
    if (!settings.worker || known.some(({ worker }) => worker.name === OWN_WORKER)) return known
    const { runner, labels } = settings
    const own = { ...limits, name: OWN_WORKER, runner, labels, schedules: runner === 'kubernetes' }
    return [...known, { worker: own, here: true, why: '', used: usedBy([]) }]
  }
}
