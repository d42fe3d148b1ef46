/* The box a program runs in, whatever engine it is asked of. Closed by default; what a bundle needs
 * beyond is declared by a label in its Dockerfile, which the ledger keeps with the image:
 *
 *   kaos.network=on   a training may reach the network
 *   kaos.user=root    the program runs as root, with the few capabilities that servers started as
 *                     root want; still without new privileges
 *
 * A USER of the Dockerfile is kept unless it is root. Otherwise the program is nobody, and what
 * original bundles write to (/tmp, /run, nginx's folders, their own folder) is writable for it. That its
 * folder is, can be true of the image already: then a label says so. */
import { posix } from 'node:path'
import { METRICS_FILE } from '../api/measurements.ts'
import { FORCED_AT, type RunOrder, type TrialOrder } from './runner.ts'

export const OUT = '/pfs/out'
export const NOBODY = '65534:65534'
/** Where a service listens. */
export const SERVICE_PORT = 8080
/** Label of images whose own folder everybody may write to: kaos gives it when it builds. */
export const FOLDER_LABEL = 'kaos.folder'
export const FOLDER_OPEN = 'open'
export const PROCESSES_MAX = 4096
export const ROOT_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID']

const PYTHON_PATH = 'PYTHONPATH='
const PROGRAM = '/opt/program'
const MEBIBYTE = 1024 * 1024
const SCRATCH_DEFAULT = 2048 * MEBIBYTE
const SCRATCH_SMALL = 256 * MEBIBYTE

export type Purpose = 'train' | 'serve'

export interface Sandbox {
  readonly user: string
  readonly workingDir: string
  /** Whether the user is one that kaos chose. */
  readonly isNobody: boolean
  /** Whether the program's folder must be given to the user: it is nobody's, and the image not open. */
  readonly needsFolder: boolean
  readonly network: 'none' | 'bridge'
  /** What the image itself puts on the path of Python. */
  readonly pythonPath?: string
  readonly relaxations: readonly string[]
}

/** What an image says of itself: in an engine's record of it and in the OCI config alike. */
export interface ImageConfig {
  readonly User?: string
  readonly WorkingDir?: string
  readonly Env?: readonly string[] | null
}

export function sandboxOf(config: ImageConfig, order: RunOrder, purpose: Purpose): Sandbox {
  const root = order.image.labels['kaos.user'] === 'root'
  const open = order.image.labels['kaos.network'] === 'on'
  const isNobody = runsAsNobody(config, order.image.labels)
  const workingDir = folderOf(config)
  const path = config.Env?.find(one => one.startsWith(PYTHON_PATH))
  return {
    ...(path === undefined ? {} : { pythonPath: path.slice(PYTHON_PATH.length) }),
    user: root ? '0:0' : isNobody ? NOBODY : (config.User ?? ''),
    workingDir,
    isNobody,
    needsFolder: isNobody && workingDir !== '/' && order.image.labels[FOLDER_LABEL] !== FOLDER_OPEN,
    network: purpose === 'serve' || open ? 'bridge' : 'none',
    relaxations: [...(root ? ['user=root'] : []), ...(open ? ['network=on'] : [])],
  }
}

/** The program's own folder, as an absolute path. */
export function folderOf({ WorkingDir }: ImageConfig): string {
  return posix.resolve('/', WorkingDir || PROGRAM)
}

/** Whether the program gets a user that kaos chose: the image names none, or root without declaring it. */
export function runsAsNobody(
  { User = '' }: ImageConfig,
  labels: Readonly<Record<string, string>>,
): boolean {
  // Engines take 00 and +0 for 0 as well.
  return labels['kaos.user'] !== 'root' && /^(root|[+-]?0+)?(:.*)?$/.test(User)
}

/** An entrypoint of the image would come before `./train`; naming ours clears it. */
export function commandOf(order: RunOrder | TrialOrder, purpose: Purpose): string[] {
  return 'output' in order && purpose === 'train'
    ? ['./train', `${OUT}/${order.output}`]
    : [`./${purpose}`]
}

export function envOf(sandbox: Sandbox, order: RunOrder | TrialOrder): Record<string, string> {
  // nobody's home, "/nonexistent", is where programs would otherwise keep their caches.
  return {
    ...(sandbox.isNobody ? { HOME: '/tmp' } : {}),
    ...order.env,
    ...('output' in order ? { KAOS_METRICS: `${OUT}/${order.output}/${METRICS_FILE}` } : {}),
    ...('forced' in order
      ? { PYTHONPATH: [FORCED_AT, sandbox.pythonPath].filter(Boolean).join(':') }
      : {}),
  }
}

/** Bytes of memory that a program may use for its files. */
export function scratchBytes({ resources: { memoryBytes } }: RunOrder): number {
  return Math.floor(memoryBytes === undefined ? SCRATCH_DEFAULT : memoryBytes / 2)
}

/** Folders of memory that nobody may write to, by path. */
export function scratchFolders(bytes: number): Record<string, { bytes: number; exec: boolean }> {
  const small = { bytes: Math.min(bytes, SCRATCH_SMALL), exec: false }
  return {
    '/tmp': { bytes, exec: true },
    '/var/tmp': { bytes, exec: false },
    '/run': small,
    '/var/log': small,
    '/var/log/nginx': small,
    '/var/lib/nginx': small,
    '/var/cache/nginx': small,
  }
}
