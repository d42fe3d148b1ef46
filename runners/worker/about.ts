/* What this worker says of itself when it asks for work. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { versionOf } from '../../api/version.ts'
import type { WorkerAbout } from '../../api/workers.ts'
import { writeDurably } from '../durably.ts'
import type { Runner } from '../runner.ts'

interface Options {
  readonly folder: string
  readonly runner: Runner
  readonly slots: number
  readonly labels: readonly string[]
  readonly forwarder: WorkerAbout['forwarder']
}

/** RUNNER_UNAVAILABLE as long as the runner cannot say what there is. */
export async function aboutWorker(options: Options): Promise<WorkerAbout> {
  const { folder, forwarder, labels, runner, slots } = options
  const { cpus, memoryBytes, gpus, devices, driver, cuda, engine } = await runner.capabilities()
  return {
    instance: instanceOf(folder),
    host: hostname().slice(0, 255),
    version: versionOf(),
    engine: engine.slice(0, 255),
    slots,
    labels: [...labels],
    ...{ cpus, memoryBytes: Math.floor(memoryBytes), gpus },
    ...(runner.schedules && { schedules: true }),
    ...(devices?.length ? { devices: [...devices] } : {}),
    ...(driver && { driver }),
    ...(cuda && { cuda }),
    ...(forwarder && { forwarder }),
  }
}

/** Made at the first start in a folder, and kept. */
function instanceOf(folder: string): string {
  const file = join(folder, 'instance.json')
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { instance: string }).instance
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const instance = randomBytes(8).toString('hex')
  writeDurably(file, { instance })
  return instance
}
