/* The pods of kaos in one namespace, as the cluster last told. Listed, then watched from there; a watch
 * that ends, for whatever reason, begins again with a list, and now and then one does so anyway. */
import type { Readable } from 'node:stream'
import type { V1Pod, V1PodList } from '@kubernetes/client-node'
import { type Cluster, pause } from './cluster.ts'
import { MANAGED, PLACE_LABEL } from './objects.ts'

const RETRY_MS = 500
const RETRY_MAX_MS = 10_000
/** Lists again after so long, whatever the watch says. */
const WATCH_S = 60

export class Pods {
  readonly #cluster: Cluster
  readonly #namespace: string
  #pods = new Map<string, V1Pod>()
  readonly #waiting = new Set<() => void>()
  #lists = 0

  constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster
    this.#namespace = namespace
    void this.#follow()
  }

  /** Grows with each list: what was made before a list began and is not in it is gone. */
  get lists(): number {
    return this.#lists
  }

  /** The pod of a start: of several, one that is being replaced and its successor, the newest. */
  of(place: string): V1Pod | undefined {
    const all = [...this.#pods.values()].filter(
      pod => pod.metadata?.labels?.[PLACE_LABEL] === place,
    )
    return all.sort((a, b) => age(b) - age(a))[0]
  }

  /** Resolves when something may have changed, or the signal says so. */
  async change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const told = () => resolve()
    this.#waiting.add(told)
    signal.addEventListener('abort', told)
    await promise
    this.#waiting.delete(told)
    signal.removeEventListener('abort', told)
  }

  async #follow(): Promise<void> {
    const { closed } = this.#cluster
    for (let failures = 0; !closed.aborted; ) {
      try {
        const version = await this.#list()
        failures = 0
        await this.#watch(version)
      } catch {
        // Also a version that the server has forgotten (410): the next list has a new one.
        failures++
      }
      if (failures > 0) await pause(Math.min(RETRY_MS * 2 ** failures, RETRY_MAX_MS), closed)
    }
    this.#tell()
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`
  }

  async #list(): Promise<string> {
    const { core } = this.#cluster
    const list: V1PodList = await core.listNamespacedPod({
      namespace: this.#namespace,
      labelSelector: MANAGED,
    })
    this.#pods = new Map(list.items.map(pod => [pod.metadata?.uid ?? '', pod]))
    this.#lists++
    this.#tell()
    return list.metadata?.resourceVersion ?? ''
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { closed } = this.#cluster
    const query = { watch: 'true', labelSelector: MANAGED, resourceVersion }
    const timeoutSeconds = String(WATCH_S)
    const body = await this.#cluster.read(this.#path, { ...query, timeoutSeconds }, closed)
    try {
      for await (const line of linesOf(body)) {
        const { type, object } = JSON.parse(line) as { type: string; object: V1Pod }
        if (type === 'ERROR') return
        const uid = object.metadata?.uid ?? ''
        if (type === 'DELETED') this.#pods.delete(uid)
        else if (type !== 'BOOKMARK') this.#pods.set(uid, object)
        this.#tell()
      }
    } finally {
      body.destroy()
    }
  }

  #tell(): void {
    for (const told of this.#waiting) told()
  }
}

/** The lines of a stream; throws when that is cut. */
async function* linesOf(body: Readable): AsyncGenerator<string> {
  let rest = ''
  body.setEncoding('utf8')
  for await (const piece of body as AsyncIterable<string>) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}

function age(pod: V1Pod): number {
  return new Date(pod.metadata?.creationTimestamp ?? 0).getTime()
}
