/* The nodes behind the cluster: what they offer together, and what stands in the record of a run. */
import type { V1Node, V1Pod } from '@kubernetes/client-node'
import { VersionApi } from '@kubernetes/client-node'
import type { Environment } from '../../api/attempts.ts'
import type { Capabilities } from '../runner.ts'
import { type Cluster, reaching, statusOf } from './cluster.ts'
import { PROGRAM } from './pod.ts'
import { GPU_RESOURCE, type KubernetesOptions } from './settings.ts'

export interface Host {
  readonly engine: string
  readonly capabilities: Capabilities
}

export async function lookAtCluster(cluster: Cluster, options: KubernetesOptions): Promise<Host> {
  const version = await reaching(cluster, () => cluster.config.makeApiClient(VersionApi).getCode())
  const engine = `Kubernetes ${version.gitVersion}`
  const nodes = await nodesOf(cluster)
  const gpu = options.gpuResource ?? GPU_RESOURCE
  return {
    engine,
    capabilities: {
      cpus: sum(nodes, 'cpu'),
      memoryBytes: sum(nodes, 'memory'),
      gpus: sum(nodes, gpu),
      engine,
      readOnlyInputs: true,
      notes: notesOn(nodes, options),
    },
  }
}

function notesOn(nodes: readonly V1Node[] | undefined, { volume }: KubernetesOptions): string[] {
  const notes = [
    'trainings have no network unless the Dockerfile says LABEL kaos.network=on, ' +
      "where the cluster's network plugin enforces network policies",
  ]
  if (nodes === undefined) notes.push('the nodes cannot be listed: how much they have is not known')
  if (volume.kind === 'host' && volume.node === undefined && (nodes?.length ?? 1) > 1) {
    notes.push(
      'the cluster has several nodes, and trainings see only folders of the one that this worker ' +
        'runs on: name it in KAOS_KUBE_NODE, or give a shared volume in KAOS_KUBE_VOLUME',
    )
  }
  return notes
}

/** Undefined where the worker's account may not list them. */
async function nodesOf(cluster: Cluster): Promise<readonly V1Node[] | undefined> {
  try {
    return (await cluster.core.listNode()).items
  } catch (error) {
    if (statusOf(error) === 403) return undefined
    throw error
  }
}

function sum(nodes: readonly V1Node[] | undefined, resource: string): number {
  const all = (nodes ?? []).map(node => quantityOf(node.status?.allocatable?.[resource] ?? '0'))
  return all.reduce((total, one) => total + one, 0)
}

const UNITS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

export function quantityOf(text: string): number {
  const [, digits = '0', unit = ''] = /^([\d.]+)([A-Za-z]*)$/.exec(text) ?? []
  return Number(digits) * (UNITS[unit] ?? 1)
}

/** What a pod really ran in. */
export async function environmentOf(cluster: Cluster, pod: V1Pod): Promise<Environment> {
  const { nodeName: name } = pod.spec ?? {}
  const program = pod.status?.containerStatuses?.find(one => one.name === PROGRAM)
  const node = name === undefined ? undefined : await readNode(cluster, name)
  const info = node?.status?.nodeInfo
  const labels = node?.metadata?.labels ?? {}
  const gpu = labels['nvidia.com/gpu.product']
  const driver = labels['nvidia.com/cuda.driver-version.full']
  const cuda = labels['nvidia.com/cuda.runtime-version.full']
  return {
    ...(name === undefined ? {} : { node: name }),
    ...(program?.imageID ? { imageId: program.imageID } : {}),
    ...(info === undefined
      ? {}
      : {
          os: info.osImage,
          kernel: info.kernelVersion,
          architecture: info.architecture,
          kubelet: info.kubeletVersion,
          containerRuntime: info.containerRuntimeVersion,
        }),
    ...(node?.status?.capacity?.cpu ? { cpus: quantityOf(node.status.capacity.cpu) } : {}),
    ...(gpu === undefined ? {} : { gpus: [gpu] }),
    ...(driver === undefined ? {} : { gpuDriver: driver }),
    ...(cuda === undefined ? {} : { cuda }),
  }
}

async function readNode(cluster: Cluster, name: string): Promise<V1Node | undefined> {
  return cluster.core.readNode({ name }).catch(() => undefined)
}
