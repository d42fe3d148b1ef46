/* What a program uses now: of its node's kubelet, which knows at once, or where that is not allowed of the
 * cluster's metrics server, which knows every quarter of a minute, and CPU only as a rate. */
import { text } from 'node:stream/consumers'
import type { V1Pod } from '@kubernetes/client-node'
import type { Measurement } from '../../api/measurements.ts'
import type { Cluster } from './cluster.ts'
import { Kubelets } from './kubelet.ts'
import { quantityOf } from './nodes.ts'
import { PROGRAM } from './pod.ts'

const ANSWER_WITHIN_MS = 5000
const FAILURES_MAX = 5

interface Summary {
  readonly pods?: readonly {
    readonly podRef: { readonly uid: string }
    readonly containers?: readonly {
      readonly name: string
      readonly cpu?: { readonly usageCoreNanoSeconds?: number }
      readonly memory?: { readonly workingSetBytes?: number; readonly usageBytes?: number }
    }[]
  }[]
}

interface Metrics {
  readonly timestamp: string
  readonly containers: readonly {
    readonly name: string
    readonly usage: { readonly cpu: string; readonly memory: string }
  }[]
}

export class Usage {
  readonly #cluster: Cluster
  readonly #kubelets: Kubelets
  /** Failures of kubelets, one after another: too many, and they are left alone. */
  #failures = 0
  /** By pod: CPU seconds added up from rates, and up to when. */
  readonly #added = new Map<string, { seconds: number; at: number }>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#kubelets = new Kubelets(cluster)
  }

  /** Undefined when it does not run, or nobody measures. */
  async of(pod: V1Pod): Promise<Measurement | undefined> {
    if (this.#failures < FAILURES_MAX) {
      try {
        const measured = await this.#ofNode(pod)
        this.#failures = 0
        return measured
      } catch {
        this.#failures++
      }
    }
    return this.#ofMetrics(pod).catch(() => undefined)
  }

  forget(pod: V1Pod): void {
    this.#added.delete(pod.metadata?.uid ?? '')
  }

  async #ofNode({ spec, metadata }: V1Pod): Promise<Measurement | undefined> {
    const summary = await this.#kubelets.summary<Summary>(spec?.nodeName ?? '')
    return measurementOf(summary, metadata?.uid ?? '')
  }

  async #ofMetrics({ metadata }: V1Pod): Promise<Measurement | undefined> {
    const { namespace, name, uid = '', creationTimestamp } = metadata ?? {}
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods/${name}`
    const { timestamp, containers } = await this.#json<Metrics>(path)
    const used = containers.find(one => one.name === PROGRAM)?.usage
    if (used === undefined) return undefined
    const now = Date.parse(timestamp)
    const start = new Date(creationTimestamp ?? timestamp).getTime()
    const last = this.#added.get(uid) ?? { seconds: 0, at: start }
    const seconds = last.seconds + quantityOf(used.cpu) * Math.max(0, (now - last.at) / 1000)
    this.#added.set(uid, { seconds, at: Math.max(now, last.at) })
    const memoryBytes = Math.round(quantityOf(used.memory))
    return { at: new Date(now).toISOString(), cpuSeconds: seconds, memoryBytes }
  }

  async #json<T>(path: string): Promise<T> {
    const late = AbortSignal.timeout(ANSWER_WITHIN_MS)
    const signal = AbortSignal.any([this.#cluster.closed, late])
    return JSON.parse(await text(await this.#cluster.read(path, {}, signal))) as T
  }
}

export function measurementOf({ pods }: Summary, uid: string): Measurement | undefined {
  const pod = pods?.find(one => one.podRef.uid === uid)
  const program = pod?.containers?.find(one => one.name === PROGRAM)
  const memoryBytes = program?.memory?.workingSetBytes ?? program?.memory?.usageBytes
  const cpu = program?.cpu?.usageCoreNanoSeconds
  if (memoryBytes === undefined || cpu === undefined) return undefined
  return { at: new Date().toISOString(), cpuSeconds: cpu / 1e9, memoryBytes }
}
