/* A node's kubelet, asked directly for what its containers use: a right of its own (`nodes/stats`) that
 * allows nothing else. Its certificate must be one that the cluster's authority signed, or the kubeconfig
 * must say that certificates do not matter: else the account's token would go to anybody. */
import { type RequestOptions, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Cluster } from './cluster.ts'

const ANSWER_WITHIN_MS = 5000
const PATH = '/stats/summary?only_cpu_and_memory=true'

interface Place {
  readonly host: string
  readonly port: number
}

export class Kubelets {
  readonly #cluster: Cluster
  readonly #places = new Map<string, Place[]>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  async summary<T>(node: string): Promise<T> {
    const places = this.#places.get(node) ?? (await this.#find(node))
    const options: RequestOptions = { headers: {} }
    await this.#cluster.config.applyToHTTPSOptions(options)
    // The agent is for the API server: its name is not the node's.
    delete options.agent
    delete options.servername
    const signal = AbortSignal.any([this.#cluster.closed, AbortSignal.timeout(ANSWER_WITHIN_MS)])
    for (const [index, place] of places.entries()) {
      try {
        const answer = await ask({ ...options, ...place, path: PATH, signal })
        this.#places.set(node, [place])
        return JSON.parse(answer) as T
      } catch (error) {
        if (index === places.length - 1) throw error
      }
    }
    throw new Error(`the node ${node} does not say where its kubelet listens`)
  }

  /** Its own addresses before its name, which need not be known everywhere. */
  async #find(node: string): Promise<Place[]> {
    const { status } = await this.#cluster.core.readNode({ name: node })
    const port = status?.daemonEndpoints?.kubeletEndpoint?.Port
    if (!port) return []
    const of = (kind: string) => (status?.addresses ?? []).filter(({ type }) => type === kind)
    return [...of('InternalIP'), ...of('Hostname')].map(({ address: host }) => ({ host, port }))
  }
}

function ask(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(options, answer => {
      const whole = text(answer)
      if (answer.statusCode === 200) whole.then(resolve, reject)
      else whole.then(said => reject(new Error(`${answer.statusCode} ${said}`)), reject)
    })
    call.once('error', reject)
    call.end()
  })
}
