/* The docker command and its compose: found, judged, run. Whatever is missing or too old is said with
 * what to install. */
import { spawn } from 'node:child_process'
import { KaosError } from '../../api/errors.ts'
import { childEnvironment } from '../config.ts'

const COMPOSE_LEAST = [2, 20] as const
const ENGINE_LEAST = [20, 10] as const
const INSTALL = 'https://docs.docker.com/compose/install/'

export interface Done {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Run {
  /** Shown on stderr while it runs, beside being kept. */
  readonly shown?: boolean
  readonly env?: Readonly<Record<string, string | undefined>>
}

export interface Docker {
  docker(args: readonly string[], run?: Run): Promise<Done>
  compose(args: readonly string[], run?: Run): Promise<Done>
}

/** Checks the engine and compose before anything is changed. */
export async function findDocker(): Promise<Docker> {
  const docker = (args: readonly string[], run?: Run) => execute('docker', args, run)
  await checkEngine(docker)
  const words = await findCompose(docker)
  return {
    docker,
    compose: (args, run) => execute(words[0]!, [...words.slice(1), ...args], run),
  }
}

async function checkEngine(docker: Docker['docker']): Promise<void> {
  const asked = await docker(['version', '--format', '{{.Server.Version}}'])
  if (asked.code === 127) {
    const next = 'install Docker first (https://docs.docker.com/engine/install/)'
    throw refusal(`there is no docker command here; ${next}, or start kaos without it: kaos up`)
  }
  if (asked.code !== 0) {
    const why = lastLine(asked.stderr)
    throw refusal(`the Docker Engine does not answer (${why}); start it, or name it by DOCKER_HOST`)
  }
  requireVersion('the Docker Engine', asked.stdout, ENGINE_LEAST)
}

/** The socket that a worker in a container mounts to reach the same engine. */
export async function socketOf({ docker }: Docker): Promise<string | undefined> {
  const { stdout } = await docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'])
  const host = stdout.trim()
  if (!host.startsWith('unix://')) {
    const next = 'run this on the machine of the engine'
    throw refusal(`the Docker Engine is elsewhere (${host || 'no context says where'}); ${next}`)
  }
  // Where the engine runs in a machine of its own (Docker Desktop), it has its socket at the usual place.
  const own = process.platform === 'linux' && !/desktop|colima/.test(host)
  return own ? host.slice('unix://'.length) : undefined
}

/** The plugin, else the program of the same version; what was before both cannot read our file. */
async function findCompose(docker: Docker['docker']): Promise<string[]> {
  const plugin = await docker(['compose', 'version', '--short'])
  const alone = plugin.code === 0 ? plugin : await execute('docker-compose', ['version', '--short'])
  if (alone.code !== 0) {
    throw refusal(
      `this docker has no compose; install the plugin docker-compose-plugin: ${INSTALL}`,
    )
  }
  requireVersion('docker compose', alone.stdout, COMPOSE_LEAST)
  return plugin.code === 0 ? ['docker', 'compose'] : ['docker-compose']
}

function requireVersion(what: string, text: string, least: readonly [number, number]): void {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
  const [a, b] = [Number(major), Number(minor)]
  if (a > least[0] || (a === least[0] && b >= least[1])) return
  const wanted = `${least[0]}.${String(least[1]).padStart(2, '0')}`
  throw refusal(
    `${what} ${text.trim()} is too old; version ${wanted} or newer is needed: ${INSTALL}`,
  )
}

function execute(file: string, args: readonly string[], { shown, env }: Run = {}): Promise<Done> {
  return new Promise(resolve => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: childEnvironment({ ...env }),
    })
    const texts = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        texts[name] += text
        if (shown) process.stderr.write(text)
      })
    }
    // 127 as a shell says it: there is no such command.
    child.once('error', error => resolve({ code: 127, stdout: '', stderr: error.message }))
    child.once('close', code => resolve({ code: code ?? 1, ...texts }))
  })
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() || 'it does not say why'
}

export function refusal(message: string): KaosError {
  return new KaosError('CONFIGURATION', message)
}
