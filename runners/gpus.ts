/* The GPUs of this host, by `nvidia-smi`: whole devices, or the parts of one that was cut up (MIG). Each
 * is handed out to one program at a time. */
import { execFile } from 'node:child_process'
import type { Environment } from '../api/attempts.ts'
import { KaosError } from '../api/errors.ts'
import type { Gpu } from '../api/workers.ts'

export interface Gpus {
  readonly devices: readonly Gpu[]
  readonly driver?: string
  readonly cuda?: string
}

const ASK_MS = 20_000
const MIB = 1024 * 1024
const FIELDS = '--query-gpu=index,uuid,memory.total,driver_version'
const PART = /^\s+MIG\s+(.+?)\s+Device\s+(\d+):\s+\(UUID:\s*([^)]+)\)/
const WHOLE = /^GPU (\d+):\s+(.+?)\s+\(UUID:\s*([^)]+)\)/

/** `only`: numbers or UUIDs with commas between, `none`, or `all`. Nothing where no driver answers. */
export async function findGpus(only = 'all', program = 'nvidia-smi'): Promise<Gpus> {
  if (only === 'none') return { devices: [] }
  const list = await ask(program, ['-L'])
  if (list === '') return { devices: [] }
  const [table, head] = await Promise.all([
    ask(program, [FIELDS, '--format=csv,noheader,nounits']),
    ask(program, []),
  ])
  const rows = table.split('\n').map(line => line.split(',').map(part => part.trim()))
  const all = devicesIn(list).map(device => withMemory(device, rows))
  const driver = rows[0]?.[3]
  const cuda = /CUDA Version\s*:\s*(\d+\.\d+)/.exec(head)?.[1]
  return { devices: chosen(all, only), ...(driver && { driver }), ...(cuda && { cuda }) }
}

/** What `nvidia-smi -L` says: a device that was cut up stands for its parts. */
export function devicesIn(list: string): Gpu[] {
  const devices: (Gpu & { parts: Gpu[] })[] = []
  for (const line of list.split('\n')) {
    const [, index, model, uuid] = WHOLE.exec(line) ?? []
    if (index !== undefined) devices.push({ index, model: model!, uuid: uuid!, parts: [] })
    const [, profile, part, own] = PART.exec(line) ?? []
    const whole = devices.at(-1)
    if (part === undefined || !whole) continue
    const known = { model: `${whole.model} MIG ${profile}`, uuid: own! }
    whole.parts.push({ index: `${whole.index}:${part}`, ...known })
  }
  return devices.flatMap(({ parts, ...whole }) => (parts.length > 0 ? parts : [whole]))
}

function withMemory(device: Gpu, rows: readonly string[][]): Gpu {
  const memory = rows.find(([, uuid]) => uuid === device.uuid)?.[2] ?? ''
  return /^\d+$/.test(memory) ? { ...device, memoryBytes: Number(memory) * MIB } : device
}

function chosen(all: readonly Gpu[], only: string): readonly Gpu[] {
  if (only === 'all') return all
  const wanted = only.split(',').map(word => word.trim())
  const of = (word: string) => all.find(({ index, uuid }) => index === word || uuid === word)
  const missing = wanted.find(word => !of(word))
  if (missing === undefined) return wanted.map(word => of(word)!)
  const there = all.map(({ index }) => index).join(', ') || 'none'
  const message = `KAOS_GPUS names "${missing}", which this host does not have`
  throw new KaosError('CONFIGURATION', `${message}; there are: ${there} (see nvidia-smi -L)`)
}

/** The only answer to a program that wants what cannot be had here, whichever runner found out. */
export function noGpus(wanted: number, there: number, cause?: unknown): KaosError {
  const asked = `${wanted} ${wanted === 1 ? 'GPU was' : 'GPUs were'} asked for`
  const message =
    there === 0
      ? `${asked}, and this host has none that its runner can give; install the NVIDIA driver and, ` +
        'for Docker, the NVIDIA container toolkit, or ask for none (--gpu 0)'
      : `${asked}, and of the ${there} of this host fewer are free; wait until a job has ended, ` +
        'or ask for fewer with --gpu'
  return new KaosError('RUNNER_UNAVAILABLE', message, cause === undefined ? {} : { cause })
}

/** The first free ones; throws `noGpus`. `taken`: indexes. */
export function pickGpus(
  all: readonly Gpu[],
  taken: ReadonlySet<string>,
  wanted: number,
): readonly Gpu[] {
  const free = all.filter(({ index }) => !taken.has(index))
  if (free.length < wanted) throw noGpus(wanted, all.length)
  return free.slice(0, wanted)
}

/** What stands in the environment of a program that was given these. */
export function gpuFacts(given: readonly Gpu[], { driver, cuda }: Gpus): Environment {
  if (given.length === 0) return {}
  return {
    gpus: given.map(({ index, model, uuid }) => `GPU ${index}: ${model} (UUID: ${uuid})`),
    ...(driver && { gpuDriver: driver }),
    ...(cuda && { cuda }),
  }
}

/** Empty where the program does not run or says that something is wrong. */
function ask(program: string, args: readonly string[]): Promise<string> {
  return new Promise(resolve => {
    execFile(program, args, { timeout: ASK_MS, encoding: 'utf8' }, (error, text) => {
      resolve(error === null ? text : '')
    })
  })
}
