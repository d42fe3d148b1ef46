/** A worker with the process runner, the scripted server, and bundles to run. */
import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Image, ServiceWork, TrialWork } from '../../../api/attempts.ts'
import { openProcessRunner } from '../../../runners/process/process.ts'
import { removeFolder } from '../../../runners/remove-folder.ts'
import type { Runner } from '../../../runners/runner.ts'
import { AttemptsClient } from '../../../runners/worker/attempts-client.ts'
import { openWorker } from '../../../runners/worker/worker.ts'
import { writeAll } from '../fixture.ts'
import { ScriptedServer } from './scripted-server.ts'

export interface Scene {
  readonly server: ScriptedServer
  /** The worker's folder. */
  readonly folder: string
  /** What the worker told its operator. */
  readonly said: string[]
  /** Starts a worker, after another one has been closed. */
  start(): Promise<void>
  /** Ends the worker, as SIGTERM does. */
  end(): Promise<void>
  put(files: Readonly<Record<string, string>>): ReturnType<ScriptedServer['put']>
  trial(train: string, more?: Partial<TrialWork>): Promise<TrialWork>
  service(serve: string, readyTimeoutMs?: number): Promise<ServiceWork>
  /** Names of the attempts that the worker still keeps. */
  kept(): Promise<string[]>
}

/** `around`: puts something between the worker and its runner. */
export async function workerScene(
  t: TestContext,
  around: (runner: Runner) => Runner = runner => runner,
): Promise<Scene> {
  const base = await mkdtemp(join(tmpdir(), 'kaos-worker-'))
  const folder = join(base, 'worker')
  const server = new ScriptedServer()
  const said: string[] = []
  let close = async () => {}
  await server.open()

  const start = async () => {
    const runner = around(await openProcessRunner({ cache: join(base, 'environments') }))
    const client = new AttemptsClient({ server: server.url, token: server.workerToken })
    const say = (line: string) => void said.push(line)
    const options = { id: 'test', slots: 2, cacheBytes: 1e9 }
    const worker = await openWorker({ ...options, folder, client, runner, say })
    close = async () => {
      await worker.close()
      await runner.close()
      client.close()
    }
  }
  t.after(async () => {
    for (const played of server.attempts.values()) played.stale = true
    while ((await readdir(join(folder, 'attempts'))).length > 0) await tick()
    await close()
    await server.close()
    await removeFolder(base)
  })

  const put: Scene['put'] = async files => {
    const source = await mkdtemp(join(base, 'put-'))
    await writeAll(source, files)
    return server.put(source)
  }
  const image = async (program: Record<string, string>): Promise<Image> => ({
    name: 'build-train-mnist:e23a2',
    kind: 'environment',
    tree: await put({ 'environment.json': '{"key":"plain"}', 'requirements.lock': '' }),
    program: await put(program),
    labels: {},
  })
  await start()
  return {
    ...{ server, folder, said, start, put },
    end: () => close(),
    kept: () => readdir(join(folder, 'attempts')),
    trial: async (train, more = {}) => ({
      kind: 'trial',
      image: await image({ train }),
      data: [{ name: 'features:12345', tree: await put({ 'a.csv': '1,2\n' }) }],
      output: 'b82151',
      resources: {},
      ...more,
    }),
    service: async (serve, readyTimeoutMs = 60_000) => ({
      ...{ kind: 'service', endpoint: 'serve-mnist-ae6466', resources: {}, readyTimeoutMs },
      image: await image({ serve }),
    }),
  }
}

export function tick(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 50))
}
