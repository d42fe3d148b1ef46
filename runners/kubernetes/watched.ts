/* One start of a program in the cluster, and what the cluster says of it. */
import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node'
import type { Purpose } from '../sandbox.ts'
import { type Cluster, isGone, pause, reaching } from './cluster.ts'
import type { Pods } from './pods.ts'
import { type PodState, stateOf, words } from './state.ts'

/** `gone`: nothing of it is left in the cluster. */
export type Seen = PodState | { readonly is: 'gone' }

/** Looks again after so long, whatever the watch says. */
const LOOK_MS = 2000
/** A node that has been at it for so long may have met a difficulty. */
const PATIENCE_MS = 3000

export class Watched {
  readonly #cluster: Cluster
  readonly #pods: Pods
  readonly namespace: string
  readonly name: string
  readonly purpose: Purpose

  constructor(
    cluster: Cluster,
    pods: Pods,
    at: { namespace: string; name: string },
    purpose: Purpose,
  ) {
    this.#cluster = cluster
    this.#pods = pods
    this.namespace = at.namespace
    this.name = at.name
    this.purpose = purpose
  }

  get pod(): V1Pod | undefined {
    return this.#pods.of(this.name)
  }

  /** For the log: the pod whose program has run. */
  get printing(): { pod: string; ended: boolean } | undefined {
    const { pod } = this
    if (pod === undefined) return undefined
    const { is } = stateOf(pod)
    return { pod: pod.metadata?.name ?? '', ended: is === 'ended' || is === 'taken' }
  }

  async look(): Promise<Seen> {
    const { pod } = this
    if (pod !== undefined) return this.#explained(pod, stateOf(pod))
    const owner = await this.#owner()
    if (owner === undefined) return { is: 'gone' }
    // It may have come while we asked.
    if (this.pod !== undefined) return stateOf(this.pod)
    const failed = (owner as V1Job).status?.conditions?.find(one => {
      return one.type === 'Failed' && one.status === 'True'
    })
    if (failed) return { is: 'taken', why: words(failed.reason, failed.message) }
    const why = await this.#warning(this.name)
    return { is: 'waiting', why: why ?? 'the cluster makes its pod', stuck: why !== undefined }
  }

  /** Resolves when it is worth another look. */
  async change(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    await Promise.race([this.#pods.change(either), pause(LOOK_MS, either)])
    over.abort()
  }

  /** Whether the Job or Deployment is still there. */
  async exists(): Promise<boolean> {
    return (await this.#owner()) !== undefined
  }

  async #owner() {
    const at = { namespace: this.namespace, name: this.name }
    const { batch, apps } = this.#cluster
    try {
      return await reaching(this.#cluster, async () =>
        this.purpose === 'train' ? batch.readNamespacedJob(at) : apps.readNamespacedDeployment(at),
      )
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  /** A node says what it cannot do in events alone. */
  async #explained(pod: V1Pod, state: PodState): Promise<PodState> {
    if (state.is !== 'waiting' || state.stuck) return state
    const scheduled = pod.status?.conditions?.find(one => one.type === 'PodScheduled')
    if (scheduled?.status !== 'True') return state
    const since = new Date(scheduled.lastTransitionTime ?? 0).getTime()
    if (Date.now() - since < PATIENCE_MS) return state
    const why = await this.#warning(pod.metadata?.name ?? '')
    return why === undefined ? state : { is: 'waiting', why, stuck: true }
  }

  /** The latest warning about an object, and about what a Deployment made for it. */
  async #warning(name: string): Promise<string | undefined> {
    const { core } = this.#cluster
    const list = await core
      .listNamespacedEvent({ namespace: this.namespace, fieldSelector: 'type=Warning' })
      .catch(() => undefined)
    const about = (list?.items ?? []).filter(({ involvedObject, reason }) => {
      // That a pod has no room yet stands in the pod itself.
      return involvedObject.name?.startsWith(name) && reason !== 'FailedScheduling'
    })
    const latest = about.sort((a, b) => timeOf(b) - timeOf(a))[0]
    return latest && words(latest.reason, latest.message)
  }
}

function timeOf(event: CoreV1Event): number {
  return new Date(event.lastTimestamp ?? event.eventTime ?? 0).getTime()
}
