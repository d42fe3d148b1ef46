/* The programs that run in this cluster, by place. */
import { chmod } from 'node:fs/promises'
import type { Environment } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { Measurement } from '../../api/measurements.ts'
import { readLog } from '../read-log.ts'
import { forget, readRecord, writeRecord } from '../records.ts'
import type { Exit, Note, Place, Running, RunOrder, TrialOrder } from '../runner.ts'
import type { Purpose } from '../sandbox.ts'
import { type Cluster, pause, reaching } from './cluster.ts'
import { endOf } from './ending.ts'
import { ensurePolicies, make, remove } from './make.ts'
import { environmentOf, type Host } from './nodes.ts'
import { labelsOf, nameOf } from './objects.ts'
import { environmentBefore, planOf } from './plan.ts'
import { Pods } from './pods.ts'
import { LogPump } from './pump.ts'
import { addressOf } from './reach.ts'
import type { KubernetesOptions, Reach } from './settings.ts'
import { Usage } from './usage.ts'
import { Watched } from './watched.ts'

interface Live {
  readonly watched: Watched
  readonly running: Running
  readonly pump: LogPump
  readonly released: AbortController
}

/** So long a start may be stuck on what does not pass by itself. */
const STUCK_MS = 5 * 60_000
/** Beyond the grace, for a cluster that is busy. */
const STOP_WITHIN_MS = 180_000

export class Programs {
  readonly #cluster: Cluster
  readonly #options: KubernetesOptions
  readonly #host: () => Promise<Host>
  readonly #usage: Usage
  readonly #pods = new Map<string, Pods>()
  readonly #policies = new Map<string, Promise<void>>()
  readonly #live = new Map<string, Live>()

  constructor(cluster: Cluster, options: KubernetesOptions, host: () => Promise<Host>) {
    this.#cluster = cluster
    this.#options = options
    this.#host = host
    this.#usage = new Usage(cluster)
  }

  async start(order: RunOrder | TrialOrder, place: Place, purpose: Purpose): Promise<Running> {
    const { engine } = await this.#host()
    const plan = await planOf(order, purpose, this.#options)
    if (plan.refusal !== undefined) {
      const now = new Date().toISOString()
      const exit: Exit = { state: 'failed', reason: plan.refusal, startedAt: now, finishedAt: now }
      await writeRecord(place, 'exit', exit)
      return ended(exit, { engine })
    }
    const { sandbox, image } = plan
    const environment = { engine, ...environmentBefore(order, sandbox) }
    const namespace = this.#namespaceOf(order)
    await this.#ensurePolicies(namespace)
    const memoryBytes = order.resources.memoryBytes ?? 0
    await writeRecord(place, 'asked', { namespace, purpose, memoryBytes, environment })
    const secret = this.#options.pullSecret ?? (order.pull && nameOf(place))
    const box = {
      ...{ name: nameOf(place), labels: labelsOf(place, purpose, sandbox) },
      ...{ purpose, order, sandbox, image, options: this.#options },
      ...(secret === undefined ? {} : { pullSecret: secret }),
    }
    const token = this.#options.pullSecret === undefined ? order.pull : undefined
    // The program is another user than we are.
    if ('out' in order && process.getuid?.() === 0) await chmod(order.out, 0o777)
    await make(this.#cluster, namespace, box, token)
    return this.#begun(place, order.note)
  }

  async adopt(place: Place, note?: Note): Promise<Running | undefined> {
    const live = this.#live.get(key(place))
    if (live !== undefined) return live.running
    const [started, exit, asked] = await Promise.all([
      readRecord(place, 'started'),
      readRecord(place, 'exit'),
      readRecord(place, 'asked'),
    ])
    if (exit !== undefined) return ended(exit, started?.environment ?? asked?.environment ?? {})
    if (asked === undefined) return undefined
    if (started === undefined && !(await this.#watched(place, asked).exists())) return undefined
    return this.#begun(place, note)
  }

  async stop(place: Place, graceMs: number): Promise<void> {
    const asked = await readRecord(place, 'asked')
    if (asked === undefined || (await readRecord(place, 'exit')) !== undefined) return
    const watched = this.#watched(place, asked)
    // What has ended in a Deployment is started again there until that is gone.
    if (asked.purpose === 'train' && watched.printing?.ended) return
    await writeRecord(place, 'stop', { at: new Date().toISOString() })
    const { namespace, name } = watched
    await remove(this.#cluster, namespace, name, 'Foreground')
    // At least a second: at none the cluster forgets a pod whose program may still live.
    const gracePeriodSeconds = Math.max(1, Math.ceil(graceMs / 1000))
    const { core } = this.#cluster
    const labelSelector = `kaos.place=${name}`
    await reaching(this.#cluster, () =>
      core.deleteCollectionNamespacedPod({ namespace, labelSelector, gracePeriodSeconds }),
    )
    const until = performance.now() + graceMs + STOP_WITHIN_MS
    while ((await this.#remaining(namespace, labelSelector)) > 0) {
      if (performance.now() > until) {
        const message = `the cluster did not end ${name} in ${namespace}; is its node alive?`
        throw new KaosError('RUNNER_UNAVAILABLE', message)
      }
      await Promise.all([watched.change(this.#cluster.closed), pause(50, this.#cluster.closed)])
      if (this.#cluster.closed.aborted) return
    }
  }

  async #remaining(namespace: string, labelSelector: string): Promise<number> {
    const list = () => this.#cluster.core.listNamespacedPod({ namespace, labelSelector })
    return (await reaching(this.#cluster, list)).items.length
  }

  async *logs(place: Place, offset: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* readLog(place, offset, await this.#pumpOf(place), signal)
  }

  async stats(place: Place): Promise<Measurement | undefined> {
    const live = this.#live.get(key(place))
    const pod = live?.watched.pod
    if (pod === undefined || live?.watched.printing?.ended) return undefined
    return this.#usage.of(pod)
  }

  async release(place: Place): Promise<void> {
    const live = this.#live.get(key(place))
    live?.released.abort()
    await live?.pump.halt()
    this.#live.delete(key(place))
    if (live?.watched.pod) this.#usage.forget(live.watched.pod)
    const asked = await readRecord(place, 'asked')
    if (asked !== undefined) {
      await remove(this.#cluster, asked.namespace, nameOf(place), 'Background')
    }
    await forget(place)
  }

  /** Waits until the program runs, or has ended, or is gone; says meanwhile why it does not. */
  async #begun(place: Place, note: Note | undefined): Promise<Running> {
    const asked = (await readRecord(place, 'asked'))!
    const watched = this.#watched(place, asked)
    const { closed } = this.#cluster
    let told = ''
    let stuckSince: number | undefined
    for (;;) {
      if (closed.aborted) throw new KaosError('RUNNER_UNAVAILABLE', 'the runner is closed')
      const seen = await watched.look()
      const moves = seen.is === 'taken' && asked.purpose === 'serve'
      if (seen.is !== 'waiting' && !moves) break
      if (seen.is === 'waiting' && seen.why !== told) note?.((told = seen.why))
      const stuck = seen.is === 'waiting' && seen.stuck
      stuckSince = stuck ? (stuckSince ?? performance.now()) : undefined
      if (stuckSince !== undefined && performance.now() - stuckSince > STUCK_MS) {
        await this.stop(place, 0)
        throw new KaosError('RUNNER_UNAVAILABLE', `the cluster cannot start it: ${told}`)
      }
      await watched.change(closed)
    }
    return this.#follow(place, watched, asked)
  }

  async #follow(place: Place, watched: Watched, asked: Asked): Promise<Running> {
    const before = this.#live.get(key(place))
    if (before !== undefined) return before.running
    const known = await readRecord(place, 'started')
    const seen = await watched.look()
    const startedAt = known?.startedAt ?? startOf(seen)
    const { pod } = watched
    const inside = known === undefined && pod ? await environmentOf(this.#cluster, pod) : {}
    const environment: Environment = known?.environment ?? { ...asked.environment, ...inside }
    const { purpose } = asked
    if (known === undefined) {
      await writeRecord(place, 'started', {
        container: watched.name,
        purpose,
        startedAt,
        environment,
      })
    }
    const again = this.#live.get(key(place))
    if (again !== undefined) return again.running
    const released = new AbortController()
    const address = purpose === 'serve' ? addressOf(watched, this.#reach) : undefined
    const exit = endOf({
      ...{ watched, place, startedAt, memoryBytes: asked.memoryBytes },
      ...{ closed: this.#cluster.closed, released: released.signal },
      ...(this.#reach === 'pod' && address ? { podAddress: address.host } : {}),
    })
    const running = { startedAt, exit, environment, ...(address === undefined ? {} : { address }) }
    const pump = new LogPump(this.#cluster, watched.namespace, place, () => watched.printing)
    this.#live.set(key(place), { watched, running, pump, released })
    return running
  }

  get #reach(): Reach {
    return this.#options.reach ?? (this.#cluster.inside ? 'service' : 'pod')
  }

  /** What keeps the log of this place up, started if the program was found only now. */
  async #pumpOf(place: Place): Promise<LogPump | undefined> {
    const live = this.#live.get(key(place))
    if (live !== undefined) return live.pump
    if ((await readRecord(place, 'log')) !== undefined) return undefined
    const asked = await readRecord(place, 'asked')
    if (asked === undefined || (await readRecord(place, 'exit')) !== undefined) return undefined
    await this.adopt(place)
    return this.#live.get(key(place))?.pump
  }

  #watched(place: Place, { namespace, purpose }: Asked): Watched {
    const live = this.#live.get(key(place))
    if (live !== undefined) return live.watched
    const pods = this.#pods.get(namespace) ?? new Pods(this.#cluster, namespace)
    this.#pods.set(namespace, pods)
    return new Watched(this.#cluster, pods, { namespace, name: nameOf(place) }, purpose)
  }

  #namespaceOf({ organisation = 'default' }: RunOrder): string {
    const pattern = this.#options.namespace ?? this.#cluster.namespace ?? 'default'
    const own = organisation.toLowerCase().replace(/[^a-z0-9]+/g, '-')
    return pattern.replace('{organisation}', own)
  }

  async #ensurePolicies(namespace: string): Promise<void> {
    const known = this.#policies.get(namespace) ?? ensurePolicies(this.#cluster, namespace)
    this.#policies.set(namespace, known)
    try {
      await known
    } catch (error) {
      this.#policies.delete(namespace)
      throw error
    }
  }
}

type Asked = NonNullable<Awaited<ReturnType<typeof readRecord<'asked'>>>>

function key({ attempt, dir }: Place): string {
  return `${attempt} ${dir}`
}

function startOf(seen: Awaited<ReturnType<Watched['look']>>): string {
  if (seen.is === 'running') return seen.startedAt
  return seen.is === 'ended' ? seen.end.startedAt : new Date().toISOString()
}

function ended(exit: Exit, environment: Environment): Running {
  return { startedAt: exit.startedAt, exit: Promise.resolve(exit), environment }
}
