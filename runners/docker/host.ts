/* The host behind the engine: what it offers, and what stands in every environment record. */
import { readdir, readFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import type { Environment } from '../../api/attempts.ts'
import type { Capabilities } from '../runner.ts'
import { type Engine, reaching } from './engine.ts'

const NVIDIA = '/proc/driver/nvidia/gpus'
const ANSWER_WITHIN_MS = 20_000

export interface Host {
  readonly capabilities: Capabilities
  readonly environment: Environment
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
  readonly DiscoveredDevices?: readonly { readonly ID?: string }[] | null
}

export async function lookAtHost(engine: Engine): Promise<Host> {
  const facts: EngineFacts = await reaching(engine, () => engine.docker.info(), ANSWER_WITHIN_MS)
  const hasRuntime = facts.Runtimes?.nvidia !== undefined
  const devices = (facts.DiscoveredDevices ?? []).filter(one =>
    one.ID?.startsWith('nvidia.com/gpu='),
  )
  const gpus = hasRuntime || devices.length > 0 ? await gpuNames() : []
  const name = `Docker Engine ${facts.ServerVersion}`
  return {
    gpuDriver: hasRuntime ? 'nvidia' : 'cdi',
    capabilities: {
      cpus: facts.NCPU,
      memoryBytes: facts.MemTotal,
      gpus: gpus.length,
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
      ...(gpus.length === 0 ? {} : { gpus }),
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

/** The names of the host's GPUs, in the order of their numbers. */
async function gpuNames(): Promise<string[]> {
  const folders = await readdir(NVIDIA).catch(() => [])
  return Promise.all(
    folders.sort().map(async folder => {
      const text = await readFile(`${NVIDIA}/${folder}/information`, 'utf8').catch(() => '')
      return /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? folder
    }),
  )
}
