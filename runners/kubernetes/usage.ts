/* What a program uses now: of its node's kubelet, which knows at once, or where that is not allowed of the
 * cluster's metrics server, which knows every quarter of a minute. */
import { text } from 'node:stream/consumers'
import type { V1Pod } from '@kubernetes/client-node'
import type { Measurement } from '../../api/attempts.ts'
import { type Cluster, isGone, statusOf } from './cluster.ts'
import { PROGRAM } from './pod.ts'

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

export class Usage {
  readonly #cluster: Cluster
  /** Whether the kubelet may be asked; undefined before the first answer. */
  #direct: boolean | undefined

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Undefined when it does not run, or nobody measures. */
  async of(pod: V1Pod): Promise<Measurement | undefined> {
    if (this.#direct === false) return undefined
    const node = pod.spec?.nodeName
    if (node === undefined) return undefined
    const path = `/api/v1/nodes/${node}/proxy/stats/summary`
    try {
      const signal = AbortSignal.any([this.#cluster.closed, AbortSignal.timeout(5000)])
      const body = await this.#cluster.read(path, { only_cpu_and_memory: 'true' }, signal)
      this.#direct = true
      return measurementOf(JSON.parse(await text(body)) as Summary, pod.metadata?.uid ?? '')
    } catch (error) {
      if (statusOf(error) === 403) this.#direct = false
      else if (!isGone(error) && this.#direct === undefined) return undefined
      return undefined
    }
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
