/* The host behind the engine: what it offers, and what stands in every environment record. */
import { readdir, readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../api/attempts.ts'
import { findGpus, type Gpus } from '../gpus.ts'
import type { Capabilities } from '../runner.ts'
import { type Engine, reaching } from './engine.ts'

const NVIDIA = '/proc/driver/nvidia/gpus'
const ANSWER_WITHIN_MS = 20_000

export interface Host {
  readonly capabilities: Capabilities
  readonly environment: Environment
  readonly gpus: Gpus
  /** How GPUs are asked for, where there are any. */
  readonly gpuDriver: 'nvidia' | 'cdi'
}

interface EngineFacts {
  readonly NCPU: number
  readonly MemTotal: number
  readonly ServerVersion: string
  readonly OperatingSystem: string
  readonly KernelVersion: string
  readonly Architecture: string
  readonly MemoryLimit: boolean
  readonly SwapLimit: boolean
  readonly PidsLimit?: boolean
  readonly SecurityOptions?: readonly string[] | null
  readonly Runtimes?: Readonly<Record<string, unknown>>
  /** Where the engine looks for CDI (API 1.44); nothing when it does not. */
  readonly CDISpecDirs?: readonly string[] | null
  readonly DiscoveredDevices?: readonly { readonly ID?: string }[] | null
}

/** `only`: which GPUs to hand out. */
export async function lookAtHost(engine: Engine, only?: string): Promise<Host> {
  const facts: EngineFacts = await reaching(engine, () => engine.docker.info(), ANSWER_WITHIN_MS)
  const hasRuntime = facts.Runtimes?.nvidia !== undefined
  const gpus = hasRuntime || (await hasCdi(facts)) ? await gpusOf(only) : { devices: [] }
  const name = `Docker Engine ${facts.ServerVersion}`
  return {
    gpus,
    gpuDriver: hasRuntime ? 'nvidia' : 'cdi',
    capabilities: {
      cpus: facts.NCPU,
      memoryBytes: facts.MemTotal,
      gpus: gpus.devices.length,
      ...gpus,
      engine: name,
      readOnlyInputs: true,
      notes: notesOn(facts),
    },
    environment: {
      engine: name,
      os: facts.OperatingSystem,
      kernel: facts.KernelVersion,
      architecture: facts.Architecture,
      cpu: cpus()[0]?.model ?? 'unknown',
      cpus: facts.NCPU,
      memoryBytes: facts.MemTotal,
    },
  }
}

function notesOn(facts: EngineFacts): string[] {
  const notes = ['trainings have no network unless the Dockerfile says LABEL kaos.network=on']
  if (!facts.MemoryLimit) notes.push('this engine cannot limit memory')
  else if (!facts.SwapLimit) notes.push('this engine cannot limit swap: --memory leaves it open')
  if (facts.PidsLimit === false) notes.push('this engine cannot limit the number of processes')
  if (!(facts.SecurityOptions ?? []).some(one => one.includes('seccomp'))) {
    notes.push('this engine runs containers without seccomp')
  }
  return notes
}

/** Whether the engine knows the GPUs by CDI. Before API 1.50 it does not tell which devices it found, so
 * its folders are looked into. */
async function hasCdi({ DiscoveredDevices, CDISpecDirs }: EngineFacts): Promise<boolean> {
  if (DiscoveredDevices) {
    return DiscoveredDevices.some(one => one.ID?.startsWith('nvidia.com/gpu='))
  }
  for (const folder of CDISpecDirs ?? []) {
    for (const name of await readdir(folder).catch(() => [])) {
      const text = await readFile(join(folder, name), 'utf8').catch(() => '')
      if (text.includes('nvidia.com/gpu')) return true
    }
  }
  return false
}

/** Without `nvidia-smi`, as in a container of its own, the driver's own files say which there are. */
async function gpusOf(only = 'all'): Promise<Gpus> {
  const found = await findGpus(only)
  if (found.devices.length > 0 || only !== 'all') return found
  const folders = await readdir(NVIDIA).catch(() => [])
  const devices = folders.sort().map(async (folder, number) => {
    const text = await readFile(`${NVIDIA}/${folder}/information`, 'utf8').catch(() => '')
    const told = (name: string) => new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(text)?.[1]?.trim()
    return { index: String(number), uuid: told('GPU UUID') ?? '', model: told('Model') ?? folder }
  })
  return { devices: await Promise.all(devices) }
}
