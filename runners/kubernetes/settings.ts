/* What an operator says about the cluster. Read from variables that runners/main.ts hands over. */
import { KaosError } from '../../api/errors.ts'

export interface KubernetesOptions {
  /** A kubeconfig file; absent: KUBECONFIG, ~/.kube/config or the pod's own account. */
  readonly kubeconfig?: string
  readonly context?: string
  /** `{organisation}` stands for the organisation of the work. Absent: the context's. */
  readonly namespace?: string
  /** host:port of kaos's registry as the nodes reach it. */
  readonly registry: string
  /** An existing secret to pull with, in place of the attempt's token. */
  readonly pullSecret?: string
  /** How pods see the worker's folders. */
  readonly volume: Volume
  /** How the server reaches a service. Absent: `service` inside the cluster, else `pod`. */
  readonly reach?: Reach
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly tolerations?: readonly Toleration[]
  readonly runtimeClass?: string
  readonly gpuResource?: string
}

/** `host`: folders of the node, which must be the worker's (`node`: its name, where there are several).
 * `claim`: a volume that every node can mount, of which the worker has mounted `root`. */
export type Volume =
  | { readonly kind: 'host'; readonly node?: string }
  | { readonly kind: 'claim'; readonly claim: string; readonly root: string }

export type Reach = 'service' | 'pod'

export interface Toleration {
  readonly key: string
  readonly value?: string
  readonly effect?: string
}

export const GPU_RESOURCE = 'nvidia.com/gpu'

type Environment = Readonly<Record<string, string | undefined>>

/** CONFIGURATION, naming the variable and what is allowed, for every bad value. */
export function kubernetesOptions(env: Environment): KubernetesOptions {
  const selector = env.KAOS_KUBE_NODE_SELECTOR
  const tolerations = env.KAOS_KUBE_TOLERATIONS
  return {
    ...given('kubeconfig', env.KUBECONFIG),
    ...given('context', env.KAOS_KUBE_CONTEXT),
    ...given('namespace', namespaceIn(env.KAOS_KUBE_NAMESPACE)),
    registry: registryOf(env),
    ...given('pullSecret', env.KAOS_KUBE_PULL_SECRET),
    volume: volumeOf(env),
    ...given('reach', reachOf(env.KAOS_KUBE_REACH)),
    ...(selector ? { nodeSelector: Object.fromEntries(pairs('NODE_SELECTOR', selector)) } : {}),
    ...(tolerations ? { tolerations: tolerations.split(',').map(tolerationOf) } : {}),
    ...given('runtimeClass', env.KAOS_KUBE_RUNTIME_CLASS),
    ...given('gpuResource', env.KAOS_KUBE_GPU_RESOURCE),
  }
}

function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined || value === '' ? {} : ({ [key]: value } as { [P in K]: V })
}

function namespaceIn(text: string | undefined): string | undefined {
  if (!text) return undefined
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text.replace('{organisation}', 'o'))) return text
  throw refusal('NAMESPACE', text, 'a namespace, such as kaos or kaos-{organisation}')
}

function registryOf(env: Environment): string {
  const text = env.KAOS_KUBE_REGISTRY || hostOf(env.KAOS_PUBLIC_URL) || hostOf(env.KAOS_SERVER)
  if (text && /^[A-Za-z0-9.[\]:-]+$/.test(text)) return text
  throw refusal('REGISTRY', text ?? '', 'host:port of this server as the nodes reach it')
}

function hostOf(url: string | undefined): string | undefined {
  return url ? URL.parse(url)?.host : undefined
}

function volumeOf(env: Environment): Volume {
  const text = env.KAOS_KUBE_VOLUME || 'host'
  const node = env.KAOS_KUBE_NODE
  if (text === 'host') return { kind: 'host', ...(node ? { node } : {}) }
  const [, claim, root] = /^claim:([a-z0-9][-.a-z0-9]*):(\/.*)$/.exec(text) ?? []
  if (claim && root) return { kind: 'claim', claim, root }
  throw refusal('VOLUME', text, 'host, or claim:NAME:/where/the/worker/has/mounted/it')
}

function reachOf(text: string | undefined): Reach | undefined {
  if (!text) return undefined
  if (text === 'service' || text === 'pod') return text
  throw refusal('REACH', text, 'service or pod')
}

function pairs(name: string, text: string): [string, string][] {
  return text.split(',').map(part => {
    const [, key, value] = /^\s*([^=\s]+)=([^=\s]*)\s*$/.exec(part) ?? []
    if (key === undefined || value === undefined) {
      throw refusal(name, text, 'labels with commas between, such as pool=gpu,zone=a')
    }
    return [key, value]
  })
}

/** `key`, `key=value`, `key:effect` or `key=value:effect`. */
function tolerationOf(text: string): Toleration {
  const [, key, value, effect] = /^\s*([^=:\s]+)(?:=([^:\s]*))?(?::(\w+))?\s*$/.exec(text) ?? []
  if (key !== undefined) return { key, ...given('value', value), ...given('effect', effect) }
  throw refusal('TOLERATIONS', text, 'taints with commas between, such as gpu=true:NoSchedule')
}

function refusal(name: string, value: string, allowed: string): KaosError {
  return new KaosError('CONFIGURATION', `KAOS_KUBE_${name} is "${value}"; give ${allowed}`)
}
