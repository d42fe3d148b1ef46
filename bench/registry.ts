/* The registry that kit pushes to. REGISTRY names the program of the distribution project, which is
 * then started anew for each round, or the address of a registry that runs already (its costs are not
 * ours to see); without it our own server is the other side. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from '../test/e2e/kaos.ts'
import { cost, Watched } from './costs.ts'
import { bytesIn } from './making.ts'
import { homeIn, KAOS, WORKSPACE } from './ours.ts'

export interface Registry {
  /** Host and port. */
  readonly address: string
  readonly watched?: Watched
  storedBytes?(): number
  stop(): Promise<void>
}

export function registryName(given: string | undefined): string {
  if (given === undefined) return 'the /v2 of kaos'
  return existsSync(given) ? 'distribution, started for each round' : `the registry at ${given}`
}

export async function openRegistry(given: string | undefined, folder: string): Promise<Registry> {
  if (given === undefined) return ownRegistry(folder)
  if (existsSync(given)) return distribution(given, folder)
  return { address: given, stop: async () => {} }
}

async function ownRegistry(folder: string): Promise<Registry> {
  const data = join(folder, 'server')
  const server = await startServer(data)
  const cwd = join(folder, 'client')
  mkdirSync(cwd)
  await cost(KAOS, ['init', '-e', server.url], { cwd, env: homeIn(folder) })
  await cost(KAOS, ['workspace', 'create', '-n', WORKSPACE], { cwd, env: homeIn(folder) })
  return {
    address: new URL(server.url).host,
    watched: new Watched(server.process),
    storedBytes: () => bytesIn(join(data, 'store')),
    stop: () => server.stop(),
  }
}

async function distribution(program: string, folder: string): Promise<Registry> {
  const data = join(folder, 'registry')
  const port = await freePort()
  const config = join(folder, 'registry.yml')
  const lines = [
    'version: 0.1',
    'log: {level: error, accesslog: {disabled: true}}',
    `storage: {filesystem: {rootdirectory: ${data}}}`,
    `http: {addr: "127.0.0.1:${port}"}`,
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  const child = spawn(program, ['serve', config], { stdio: 'ignore' })
  const address = `127.0.0.1:${port}`
  await answering(child, `http://${address}/v2/`)
  return {
    address,
    watched: new Watched(child),
    storedBytes: () => bytesIn(data),
    async stop() {
      const gone = new Promise(resolve => child.once('close', resolve))
      if (child.exitCode === null) child.kill('SIGTERM')
      await gone
    },
  }
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    if (child.exitCode !== null) break
    await sleep(50)
  }
  child.kill('SIGKILL')
  throw new Error(`the registry does not answer at ${url}`)
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
