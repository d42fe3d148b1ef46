/* The pod that a program runs in: the same box as in a container of Docker (runners/sandbox.ts), said in
 * Kubernetes' words. It holds no credential at all: no service-account token, and the secret that its
 * image is pulled with stays with the node.
 *
 * Inputs are folders of the worker, mounted read-only; the output is a folder of the worker. Nobody's
 * own folder is writable: images that kaos built have it so. Of others the root is read-only, and an init
 * container of the same image copies the folder to a scratch folder, since a volume cannot be filled from
 * an image; it costs a second, which kubelets take to see its end. */
import { relative } from 'node:path'
import type {
  V1Container,
  V1PodTemplateSpec,
  V1ResourceRequirements,
  V1SecurityContext,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node'
import { KaosError } from '../../api/errors.ts'
import { FORCED_AT, type RunOrder, type TrialOrder } from '../runner.ts'
import {
  commandOf,
  envOf,
  OUT,
  type Purpose,
  ROOT_CAPABILITIES,
  type Sandbox,
  SERVICE_PORT,
  scratchBytes,
  scratchFolders,
} from '../sandbox.ts'
import { GPU_RESOURCE, type KubernetesOptions } from './settings.ts'

export const PROGRAM = 'program'
export const FOLDER = 'folder'
const FOLDER_AT = '/kaos-folder'
/** What a program gets to end by itself when its pod is taken away. */
const GRACE_S = 5

export interface Box {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly purpose: Purpose
  readonly order: RunOrder | TrialOrder
  readonly sandbox: Sandbox
  /** `host/workspace/repository@sha256:…` */
  readonly image: string
  readonly pullSecret?: string
  readonly options: KubernetesOptions
}

export function podOf(box: Box): V1PodTemplateSpec {
  const { options, purpose, order, sandbox } = box
  const isService = purpose === 'serve'
  const { volumes, mounts } = mountsOf(box)
  const nodeSelector = nodeSelectorOf(box)
  const program: V1Container = {
    ...containerOf(box, PROGRAM, mounts),
    command: commandOf(order, purpose),
    resources: resourcesOf(box, true),
    ...(isService ? { ports: [{ name: 'http', containerPort: SERVICE_PORT }] } : {}),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
  return {
    metadata: { labels: { ...box.labels } },
    spec: {
      restartPolicy: isService ? 'Always' : 'Never',
      terminationGracePeriodSeconds: GRACE_S,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // The program is not process 1, so that it dies of a signal that it does not handle.
      shareProcessNamespace: true,
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      ...(sandbox.needsFolder ? { initContainers: [folderOf(box)] } : {}),
      containers: [program],
      volumes,
      ...(box.pullSecret === undefined ? {} : { imagePullSecrets: [{ name: box.pullSecret }] }),
      ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
      ...(options.tolerations === undefined
        ? {}
        : { tolerations: options.tolerations.map(one => ({ operator: operatorOf(one), ...one })) }),
      ...(options.runtimeClass === undefined ? {} : { runtimeClassName: options.runtimeClass }),
    },
  }
}

function operatorOf({ value }: { value?: string }): string {
  return value === undefined ? 'Exists' : 'Equal'
}

/** Trainings that see folders of a node run on that node. */
function nodeSelectorOf({ options, order }: Box): Record<string, string> {
  const { volume, nodeSelector } = options
  const node = 'out' in order && volume.kind === 'host' ? volume.node : undefined
  return { ...nodeSelector, ...(node === undefined ? {} : { 'kubernetes.io/hostname': node }) }
}

function containerOf(box: Box, name: string, volumeMounts: V1VolumeMount[]): V1Container {
  const { order, sandbox, image } = box
  return {
    name,
    image,
    // By digest, so what is there is what is meant.
    imagePullPolicy: 'IfNotPresent',
    workingDir: sandbox.workingDir,
    env: Object.entries(envOf(sandbox, order)).map(([key, value]) => ({ name: key, value })),
    securityContext: securityOf(sandbox),
    volumeMounts,
  }
}

/** Copies the program's folder to where nobody may write. */
function folderOf(box: Box): V1Container {
  const mounts = [{ name: FOLDER, mountPath: FOLDER_AT }]
  return {
    ...containerOf(box, FOLDER, mounts),
    command: ['sh', '-c', `cp -R . ${FOLDER_AT}/`],
    resources: resourcesOf(box, false),
    terminationMessagePolicy: 'FallbackToLogsOnError',
  }
}

function securityOf(sandbox: Sandbox): V1SecurityContext {
  const [user, group] = sandbox.user.split(':').map(Number)
  const isRoot = user === 0
  return {
    runAsNonRoot: !isRoot,
    runAsUser: user!,
    ...(group === undefined ? {} : { runAsGroup: group }),
    allowPrivilegeEscalation: false,
    privileged: false,
    readOnlyRootFilesystem: sandbox.needsFolder,
    capabilities: { drop: ['ALL'], ...(isRoot ? { add: [...ROOT_CAPABILITIES] } : {}) },
  }
}

/** Request and limit are the same. */
function resourcesOf({ order, options }: Box, devices: boolean): V1ResourceRequirements {
  const { cpu, memoryBytes, gpu } = order.resources
  const limits: Record<string, string> = {
    ...(cpu === undefined ? {} : { cpu: `${Math.max(1, Math.round(cpu * 1000))}m` }),
    ...(memoryBytes === undefined ? {} : { memory: String(memoryBytes) }),
    ...(devices && gpu ? { [options.gpuResource ?? GPU_RESOURCE]: String(gpu) } : {}),
  }
  return Object.keys(limits).length === 0 ? {} : { limits, requests: limits }
}

interface Mounts {
  readonly volumes: V1Volume[]
  readonly mounts: V1VolumeMount[]
}

function mountsOf(box: Box): Mounts {
  const all: Mounts = { volumes: [], mounts: [] }
  const add = (volume: V1Volume, mount: Omit<V1VolumeMount, 'name'>) => {
    if (!all.volumes.some(one => one.name === volume.name)) all.volumes.push(volume)
    all.mounts.push({ name: volume.name, ...mount })
  }
  for (const [index, [from, mountPath, readOnly]] of shownBy(box.order).entries()) {
    const { volume, subPath } = volumeOf(box.options, from, index)
    add(volume, { mountPath, readOnly, ...(subPath === undefined ? {} : { subPath }) })
  }
  const bytes = scratchBytes(box.order)
  const memory = (name: string, size: number): V1Volume => {
    return { name, emptyDir: { medium: 'Memory', sizeLimit: String(size) } }
  }
  add(memory('shm', bytes), { mountPath: '/dev/shm' })
  if (!box.sandbox.isNobody) return all
  if (box.sandbox.needsFolder) {
    add({ name: FOLDER, emptyDir: {} }, { mountPath: box.sandbox.workingDir })
  }
  for (const [index, [path, folder]] of Object.entries(scratchFolders(bytes)).entries()) {
    add(memory(`scratch-${index}`, folder.bytes), { mountPath: path })
  }
  return all
}

/** Folders of the worker that the program sees: where they are, where they are shown, read-only or not. */
function shownBy(order: RunOrder | TrialOrder): [string, string, boolean][] {
  if (!('out' in order)) return []
  return [
    ...order.data.map(({ name, path }): [string, string, boolean] => {
      return [path, `/pfs/data/${name}`, true]
    }),
    [order.hyper, '/pfs/hyper', true],
    [order.out, OUT, false],
    ...(order.forced === undefined
      ? []
      : [[order.forced, FORCED_AT, true] as [string, string, boolean]]),
  ]
}

function volumeOf({ volume }: KubernetesOptions, path: string, index: number) {
  if (volume.kind === 'host') {
    const own: V1Volume = { name: `shown-${index}`, hostPath: { path, type: 'Directory' } }
    return { volume: own, subPath: undefined }
  }
  const subPath = relative(volume.root, path)
  if (subPath === '' || subPath.startsWith('..')) {
    const message = `${path} does not lie on the volume claim ${volume.claim}, mounted at ${volume.root}`
    throw new KaosError('CONFIGURATION', `${message}; set KAOS_DATA to a folder there`)
  }
  const claim = { claimName: volume.claim }
  return { volume: { name: 'worker', persistentVolumeClaim: claim }, subPath }
}
