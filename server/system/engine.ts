/** Where a Docker engine would be, and whether one answers there. */
import { request } from 'node:http'
import { KaosError } from '../../api/errors.ts'

export type Engine = { readonly path: string } | { readonly host: string; readonly port: number }

const WAIT_MS = 500

export function socketOf(path: string | undefined, dockerHost: string | undefined): Engine {
  if (path !== undefined) return { path: path.replace(/^unix:\/\//, '') }
  if (dockerHost === undefined) return { path: '/var/run/docker.sock' }
  const [, scheme, rest = ''] = /^(unix|tcp|http):\/\/(.+)$/.exec(dockerHost) ?? []
  if (scheme === 'unix') return { path: rest }
  const url = scheme === undefined ? null : URL.parse(`http://${rest}`)
  if (url) return { host: url.hostname, port: Number(url.port || 2375) }
  const allowed = 'unix:///path/to/socket or tcp://host:port'
  throw new KaosError('CONFIGURATION', `DOCKER_HOST is "${dockerHost}"; allowed: ${allowed}`)
}

export function engineAnswers(engine: Engine, withinMs = WAIT_MS): Promise<boolean> {
  const place = 'path' in engine ? { socketPath: engine.path } : engine
  return new Promise(resolve => {
    const ping = request({ ...place, path: '/_ping', timeout: withinMs, agent: false }, answer => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    ping.on('timeout', () => ping.destroy())
    ping.on('error', () => resolve(false))
    ping.on('close', () => resolve(false))
    ping.end()
  })
}
