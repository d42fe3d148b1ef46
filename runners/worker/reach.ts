/* Where this worker listens for calls to its services, from its settings. On the server's own host that
 * is a free port on loopback; anywhere else it listens only where it was told to, and not in the clear
 * unless it was told that too. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { KaosError } from '../../api/errors.ts'
import { isLoopback } from '../settings.ts'
import type { ForwarderOptions } from './forwarder.ts'

export interface ReachSettings {
  readonly server: string
  /** Whether the server itself started this worker, which then needs no forwarder. */
  readonly own: boolean
  /** `0.0.0.0:8090` */
  readonly listen: string | undefined
  /** `https://gpu1.internal:8090` */
  readonly address: string | undefined
  /** Files. */
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  /** The network between is trusted, or encrypts by itself. */
  readonly plain: boolean
}

const WILDCARD = /^(0\.0\.0\.0|\[?::\]?)$/

/** Undefined where no service can be run, or needs no forwarder. */
export async function reachOf(settings: ReachSettings): Promise<ForwarderOptions | undefined> {
  const { server, own, plain, address } = settings
  const tls = tlsOf(settings)
  const given = settings.listen === undefined ? undefined : placeIn(settings.listen)
  if (given === undefined) {
    if (own || !isLoopback(new URL(server).hostname)) return undefined
    return { host: '127.0.0.1', port: 0, url: port => `http://127.0.0.1:${port}` }
  }
  if (tls === undefined && !plain && !isLoopback(given.host)) {
    const next =
      'give --tls-cert and --tls-key, or --plain if the network between is trusted or encrypted'
    throw refusal(`calls to services would come in the clear at ${settings.listen}: ${next}`)
  }
  const scheme = tls ? 'https' : 'http'
  const host = WILDCARD.test(given.host) ? await ownAddressTowards(server) : given.host
  const url = (port: number) => address ?? `${scheme}://${host}:${port}`
  return { host: given.host.replace(/^\[|\]$/g, ''), port: given.port, url, tls }
}

function tlsOf({ tlsCert, tlsKey }: ReachSettings): ForwarderOptions['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined) {
    throw refusal('--tls-cert and --tls-key of a worker go together; give both')
  }
  try {
    return { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') }
  } catch (cause) {
    throw refusal(`the worker's certificate cannot be read: ${(cause as Error).message}`)
  }
}

function placeIn(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:]+\]|[^:]+):(\d{1,5})$/.exec(text) ?? []
  if (host !== '' && Number(port) <= 65_535) return { host, port: Number(port) }
  throw refusal(`"${text}" is no place to listen; give one like 0.0.0.0:8090`)
}

/** The address of this host that a connection to the server comes from. */
function ownAddressTowards(server: string): Promise<string> {
  const { hostname, port, protocol } = new URL(server)
  const usual = protocol === 'https:' ? 443 : 80
  return new Promise((resolve, reject) => {
    const to = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || usual) }
    const socket = connect(to, () => {
      const own = socket.localAddress ?? '127.0.0.1'
      socket.destroy()
      resolve(own.includes(':') ? `[${own}]` : own)
    })
    socket.once('error', cause => {
      const next = 'give the address under which the server reaches it with --address'
      reject(refusal(`this host's own address is not known (${cause.message}); ${next}`))
    })
  })
}

function refusal(message: string): KaosError {
  return new KaosError('CONFIGURATION', message)
}
