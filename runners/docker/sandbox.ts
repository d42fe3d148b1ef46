/* The box a program runs in, as the engine is asked for it. Closed by default; what a bundle needs
 * beyond is declared by a label in its Dockerfile, which the ledger keeps with the image:
 *
 *   kaos.network=on   a training may reach the network
 *   kaos.user=root    the program runs as root, with the few capabilities that servers started as
 *                     root want; still without new privileges
 *
 * A USER of the Dockerfile is kept unless it is root. Otherwise the program is nobody, and what
 * original bundles write to (/tmp, /run, nginx's folders, their own folder) is writable for it. */
import type Dockerode from 'dockerode'
import { FORCED_AT, type RunOrder, type TrialOrder } from '../runner.ts'
import type { ImageInfo } from './images.ts'

export const ATTEMPT_LABEL = 'kaos.attempt'
export const PURPOSE_LABEL = 'kaos.purpose'
export const GPUS_LABEL = 'kaos.gpus'
export const OUT = '/pfs/out'
export const NOBODY = '65534:65534'

const PYTHON_PATH = 'PYTHONPATH='
const PORT = '8080/tcp'
const PROCESSES_MAX = 4096
const PROGRAM = '/opt/program'
/* Each of our log lines is at least as long as a sixth of the engine's record of it (JSON, escapes,
 * a time): up to LOG_MAX the engine has never thrown anything away, and can be read again. */
const ENGINE_LOG = '400m'
const MEBIBYTE = 1024 * 1024
const SCRATCH_DEFAULT = 2048 * MEBIBYTE
const ROOT_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID']

export type Purpose = 'train' | 'serve'

export interface Sandbox {
  readonly user: string
  readonly workingDir: string
  /** Whether the user is one that kaos chose, so that the program's folder must be given to it. */
  readonly isNobody: boolean
  readonly network: 'none' | 'bridge'
  /** What the image itself puts on the path of Python. */
  readonly pythonPath?: string
  readonly relaxations: readonly string[]
}

export function sandboxOf(info: ImageInfo, order: RunOrder, purpose: Purpose): Sandbox {
  const declared = info.Config.User ?? ''
  const root = order.image.labels['kaos.user'] === 'root'
  const open = order.image.labels['kaos.network'] === 'on'
  // Engines take 00 and +0 for 0 as well.
  const isNobody = !root && /^(root|[+-]?0+)?(:.*)?$/.test(declared)
  const path = info.Config.Env?.find(one => one.startsWith(PYTHON_PATH))
  return {
    ...(path === undefined ? {} : { pythonPath: path.slice(PYTHON_PATH.length) }),
    user: root ? '0:0' : isNobody ? NOBODY : declared,
    workingDir: info.Config.WorkingDir || PROGRAM,
    isNobody,
    network: purpose === 'serve' || open ? 'bridge' : 'none',
    relaxations: [...(root ? ['user=root'] : []), ...(open ? ['network=on'] : [])],
  }
}

export interface Devices {
  readonly driver: 'nvidia' | 'cdi'
  /** Numbers of the GPUs; empty: as many as asked for, whichever the engine picks. */
  readonly numbers: readonly number[]
}

export interface Box {
  readonly attempt: string
  readonly image: string
  readonly purpose: Purpose
  readonly order: RunOrder | TrialOrder
  readonly sandbox: Sandbox
  readonly devices?: Devices
}

/** The engine's order for the container. */
export function containerOf(box: Box): Dockerode.ContainerCreateOptions {
  const { order, sandbox, purpose } = box
  const numbers = box.devices?.numbers ?? []
  return {
    name: `kaos-${box.attempt}`,
    Image: box.image,
    Entrypoint: commandOf(order, purpose),
    Cmd: [],
    WorkingDir: sandbox.workingDir,
    User: sandbox.user,
    Env: Object.entries(envOf(box)).map(([name, value]) => `${name}=${value}`),
    Healthcheck: { Test: ['NONE'] },
    Labels: {
      [ATTEMPT_LABEL]: box.attempt,
      [PURPOSE_LABEL]: purpose,
      // Also when there are none: the image may have a label of that name.
      [GPUS_LABEL]: numbers.join(','),
    },
    ...(purpose === 'serve' ? { ExposedPorts: { [PORT]: {} } } : {}),
    HostConfig: hostConfigOf(box),
  }
}

/** An entrypoint of the image would come before `./train`; naming ours clears it. */
function commandOf(order: RunOrder | TrialOrder, purpose: Purpose): string[] {
  return 'output' in order && purpose === 'train'
    ? ['./train', `${OUT}/${order.output}`]
    : [`./${purpose}`]
}

function envOf({ sandbox, order }: Box): Record<string, string> {
  // nobody's home, "/nonexistent", is where programs would otherwise keep their caches.
  return {
    ...(sandbox.isNobody ? { HOME: '/tmp' } : {}),
    ...order.env,
    ...('forced' in order
      ? { PYTHONPATH: [FORCED_AT, sandbox.pythonPath].filter(Boolean).join(':') }
      : {}),
  }
}

function hostConfigOf(box: Box): Dockerode.HostConfig {
  const { order, sandbox } = box
  const { cpu, memoryBytes, gpu } = order.resources
  const scratch = Math.floor(memoryBytes === undefined ? SCRATCH_DEFAULT : memoryBytes / 2)
  return {
    Mounts: mountsOf(order),
    NetworkMode: sandbox.network,
    ...(box.purpose === 'serve'
      ? { PortBindings: { [PORT]: [{ HostIp: '127.0.0.1', HostPort: '' }] } }
      : {}),
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
    ...(sandbox.isNobody ? { Tmpfs: scratchFolders(scratch) } : {}),
    LogConfig: { Type: 'json-file', Config: { 'max-size': ENGINE_LOG, 'max-file': '1' } },
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  }
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

function scratchFolders(bytes: number): Record<string, string> {
  // Owned by nobody: where the image has the folder, older runtimes keep the folder's mode.
  const [uid, gid] = NOBODY.split(':')
  const sized = (size: number, more = '') =>
    `rw,nosuid,nodev${more},mode=1777,uid=${uid},gid=${gid},size=${size}`
  const small = Math.min(bytes, 256 * MEBIBYTE)
  return {
    '/tmp': sized(bytes, ',exec'),
    '/var/tmp': sized(bytes),
    '/run': sized(small),
    '/var/log': sized(small),
    '/var/log/nginx': sized(small),
    '/var/lib/nginx': sized(small),
    '/var/cache/nginx': sized(small),
  }
}

function deviceRequestOf(count: number, devices: Devices | undefined): Dockerode.DeviceRequest {
  const numbers = devices?.numbers ?? []
  if (devices?.driver === 'cdi') {
    return { Driver: 'cdi', DeviceIDs: numbers.map(number => `nvidia.com/gpu=${number}`) }
  }
  const which = numbers.length === 0 ? { Count: count } : { DeviceIDs: numbers.map(String) }
  return { Driver: 'nvidia', Capabilities: [['gpu']], ...which }
}

/** The numbers of free GPUs; undefined if there are not enough. */
export function freeGpus(all: number, taken: Iterable<number>, wanted: number) {
  const used = new Set(taken)
  const free = Array.from({ length: all }, (_, number) => number).filter(one => !used.has(one))
  return free.length < wanted ? undefined : free.slice(0, wanted)
}
