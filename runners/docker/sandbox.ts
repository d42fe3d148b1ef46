/* The box a program runs in (runners/sandbox.ts), as the engine is asked for it. */
import type Dockerode from 'dockerode'
import type { Gpu } from '../../api/workers.ts'
import { FORCED_AT, type RunOrder, type TrialOrder } from '../runner.ts'
import {
  commandOf,
  envOf,
  NOBODY,
  OUT,
  PROCESSES_MAX,
  type Purpose,
  ROOT_CAPABILITIES,
  type Sandbox,
  SERVICE_PORT,
  scratchBytes,
  scratchFolders,
} from '../sandbox.ts'

export const ATTEMPT_LABEL = 'kaos.attempt'
export const PURPOSE_LABEL = 'kaos.purpose'
export const GPUS_LABEL = 'kaos.gpus'

const PORT = `${SERVICE_PORT}/tcp`
/* Each of our log lines is at least as long as a sixth of the engine's record of it (JSON, escapes,
 * a time): up to LOG_MAX the engine has never thrown anything away, and can be read again. */
const ENGINE_LOG = '400m'

export interface Devices {
  readonly driver: 'nvidia' | 'cdi'
  readonly given: readonly Gpu[]
}

export interface Box {
  readonly attempt: string
  readonly image: string
  readonly purpose: Purpose
  readonly order: RunOrder | TrialOrder
  readonly sandbox: Sandbox
  /** That services join; absent: they are published on loopback. */
  readonly network?: string | undefined
  /** Absent where the host has none that can be told apart: then the engine picks. */
  readonly devices?: Devices
}

/** The engine's order for the container. */
export function containerOf(box: Box): Dockerode.ContainerCreateOptions {
  const { order, sandbox, purpose } = box
  const given = box.devices?.given ?? []
  // Else an image may ask for all of them by itself, where nvidia's is the usual runtime.
  const hidden = box.devices && given.length === 0 ? { NVIDIA_VISIBLE_DEVICES: 'void' } : {}
  const env = { ...envOf(sandbox, order), ...hidden }
  return {
    name: `kaos-${box.attempt}`,
    Image: box.image,
    Entrypoint: commandOf(order, purpose),
    Cmd: [],
    WorkingDir: sandbox.workingDir,
    User: sandbox.user,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Healthcheck: { Test: ['NONE'] },
    Labels: {
      [ATTEMPT_LABEL]: box.attempt,
      [PURPOSE_LABEL]: purpose,
      // Also when there are none: the image may have a label of that name.
      [GPUS_LABEL]: given.map(({ index }) => index).join(','),
    },
    ...(purpose === 'serve' ? { ExposedPorts: { [PORT]: {} } } : {}),
    HostConfig: hostConfigOf(box),
  }
}

function hostConfigOf(box: Box): Dockerode.HostConfig {
  const { order, sandbox } = box
  const { cpu, memoryBytes, gpu } = order.resources
  const scratch = scratchBytes(order)
  return {
    Mounts: mountsOf(order),
    ...networkOf(box),
    ...(cpu === undefined ? {} : { NanoCpus: Math.round(cpu * 1e9) }),
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(gpu === undefined || gpu === 0
      ? {}
      : { DeviceRequests: [deviceRequestOf(gpu, box.devices)] }),
    PidsLimit: PROCESSES_MAX,
    Init: true,
    CapDrop: ['ALL'],
    ...(sandbox.user === '0:0' ? { CapAdd: ROOT_CAPABILITIES } : {}),
    SecurityOpt: ['no-new-privileges:true'],
    IpcMode: 'private',
    ShmSize: scratch,
    ...(sandbox.isNobody ? { Tmpfs: tmpfsOf(scratch) } : {}),
    LogConfig: { Type: 'json-file', Config: { 'max-size': ENGINE_LOG, 'max-file': '1' } },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  }
}

/** A way in for services alone. */
function networkOf({ network, purpose, sandbox }: Box): Dockerode.HostConfig {
  if (purpose !== 'serve') return { NetworkMode: sandbox.network }
  if (network !== undefined) return { NetworkMode: network }
  const way = [{ HostIp: '127.0.0.1', HostPort: '' }]
  return { NetworkMode: sandbox.network, PortBindings: { [PORT]: way } }
}

/** Never `Binds`: a colon in a path breaks them, and a missing folder is made on the host. */
function mountsOf(order: RunOrder | TrialOrder): Dockerode.MountSettings[] {
  if (!('out' in order)) return []
  const shown = (Source: string, Target: string, ReadOnly: boolean): Dockerode.MountSettings => ({
    Type: 'bind',
    Source,
    Target,
    ReadOnly,
    BindOptions: { Propagation: 'rprivate' },
  })
  return [
    ...order.data.map(({ name, path }) => shown(path, `/pfs/data/${name}`, true)),
    shown(order.hyper, '/pfs/hyper', true),
    shown(order.out, OUT, false),
    ...(order.forced === undefined ? [] : [shown(order.forced, FORCED_AT, true)]),
  ]
}

function tmpfsOf(bytes: number): Record<string, string> {
  // Owned by nobody: where the image has the folder, older runtimes keep the folder's mode.
  const [uid, gid] = NOBODY.split(':')
  const folders = Object.entries(scratchFolders(bytes)).map(([path, folder]) => {
    const more = folder.exec ? ',exec' : ''
    const options = `rw,nosuid,nodev${more},mode=1777,uid=${uid},gid=${gid},size=${folder.bytes}`
    return [path, options]
  })
  return Object.fromEntries(folders)
}

function deviceRequestOf(count: number, devices: Devices | undefined): Dockerode.DeviceRequest {
  const given = devices?.given ?? []
  if (devices?.driver === 'cdi') {
    return { Driver: 'cdi', DeviceIDs: given.map(({ index }) => `nvidia.com/gpu=${index}`) }
  }
  const which =
    given.length === 0 ? { Count: count } : { DeviceIDs: given.map(one => one.uuid || one.index) }
  return { Driver: 'nvidia', Capabilities: [['gpu']], ...which }
}
