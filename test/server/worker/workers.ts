/** Workers that an administrator enrolled, each with what it says it has. */
import type { WorkOrder } from '../../../api/attempts.ts'
import type { NewWorkerToken, WorkerList, WorkerView } from '../../../api/wire.ts'
import type { WorkerAbout } from '../../../api/workers.ts'
import type { Scripted } from '../jobs/scripted.ts'

export const GIB = 1024 ** 3

export interface Enrolled {
  readonly token: string
  /** What is answered to a claim. */
  call(kinds?: string[], waitMs?: number): ReturnType<Scripted['workerCall']>
  claim(kinds?: string[], waitMs?: number): Promise<WorkOrder | undefined>
}

export async function enrol(
  server: Scripted,
  name: string,
  has: Partial<WorkerAbout> = {},
  more: object = {},
): Promise<Enrolled> {
  const { token } = await server.ask<NewWorkerToken>('POST', '/admin/workers', { name, ...more })
  return workerWith(server, name, token, has)
}

export function workerWith(
  server: Scripted,
  name: string,
  token: string,
  has: Partial<WorkerAbout> = {},
): Enrolled {
  const about = { ...SMALL, instance: instanceOf(name), host: `${name}.internal`, ...has }
  const call = (kinds = ['trial'], waitMs = 0) =>
    server.workerCall('claim', { worker: name, runner: 'process', kinds, waitMs, about }, token)
  return {
    token,
    call,
    async claim(kinds, waitMs) {
      const answer = await call(kinds, waitMs)
      if (answer.statusCode === 204) return undefined
      if (answer.statusCode !== 200) throw new Error(answer.body)
      return answer.json() as WorkOrder
    },
  }
}

const SMALL: Omit<WorkerAbout, 'instance' | 'host'> = {
  ...{ version: '2.0.0', engine: 'processes', slots: 2, labels: [] },
  ...{ cpus: 4, memoryBytes: 8 * GIB, gpus: 0 },
}

function instanceOf(name: string): string {
  return Buffer.from(name.padEnd(8, '-').slice(0, 8)).toString('hex')
}

export async function workerRow(server: Scripted, name: string): Promise<WorkerView | undefined> {
  const { workers } = await server.ask<WorkerList>('GET', '/admin/workers')
  return workers.find(worker => worker.name === name)
}
