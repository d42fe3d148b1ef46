/* The way in to services of this worker, for a server on another host: one listener, which lets through
 * whoever knows the secret of the attempt that serves. It is asked as a proxy is,
 *
 *   CONNECT <attempt>:80
 *   proxy-authorization: Bearer <secret>
 *
 * and after its 200 the connection is the service's own: what is spoken on it, streams and WebSockets
 * too, it does not look at. Nothing else answers here. */
import { timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import type { Address } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import type { WorkerAbout } from '../../api/workers.ts'

export interface ForwarderOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** How the server reaches it, given the port that was taken. */
  readonly url: (port: number) => string
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

export interface Forwarder {
  /** As the server is told. */
  readonly about: NonNullable<WorkerAbout['forwarder']>
  /** Lets callers who know the secret through to the service. */
  open(attempt: string, secret: string, address: Address): void
  shut(attempt: string): void
  /** Cuts what goes on. */
  close(): void
}

interface Replica {
  readonly secret: Buffer
  readonly address: Address
}

const CONNECT_MS = 10_000
const SOCKET_LISTENERS = 32

export async function openForwarder(options: ForwarderOptions): Promise<Forwarder> {
  const { tls } = options
  const replicas = new Map<string, Replica>()
  const joined = new Set<Duplex>()
  const server = tls ? createSecureServer({ ...tls }) : createServer()
  server.on('request', (_request, response) => response.writeHead(404).end())
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    // Both directions and their ends are listened for, which is more than usual.
    socket.setMaxListeners(SOCKET_LISTENERS)
    joined.add(socket)
    socket.once('close', () => joined.delete(socket))
    const replica = replicas.get((request.url ?? '').replace(/:\d+$/, ''))
    if (!replica || !knows(request, replica)) return refuse(socket, '403 Forbidden')
    join(socket, head, replica.address)
  })
  const port = await listen(server, options)
  return {
    about: { url: options.url(port), ...(tls && { certificate: tls.cert }) },
    open(attempt, secret, address) {
      replicas.set(attempt, { secret: Buffer.from(secret), address })
    },
    shut: attempt => void replicas.delete(attempt),
    close() {
      server.close()
      server.closeAllConnections()
      for (const socket of joined) socket.destroy()
    },
  }
}

function knows({ headers }: IncomingMessage, { secret }: Replica): boolean {
  const given = Buffer.from(/^Bearer (.+)$/.exec(headers['proxy-authorization'] ?? '')?.[1] ?? '')
  return given.length === secret.length && timingSafeEqual(given, secret)
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
}

function join(socket: Duplex, head: Buffer, address: Address): void {
  const at = 'socket' in address ? { path: address.socket } : address
  const service = connect({ ...at, allowHalfOpen: true })
  const late = setTimeout(() => service.destroy(), CONNECT_MS)
  let isThere = false
  service.once('connect', () => {
    isThere = true
    clearTimeout(late)
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    if (head.length > 0) service.write(head)
    pipeline(socket, service, () => {})
    pipeline(service, socket, () => {})
  })
  service.on('error', () => service.destroy())
  service.once('close', () => {
    clearTimeout(late)
    if (isThere) socket.destroy()
    else refuse(socket, '502 Bad Gateway')
  })
  socket.once('close', () => service.destroy())
}

function listen(server: Server, { host, port }: ForwarderOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      const next = 'choose another with --listen (KAOS_WORKER_LISTEN)'
      const why = `the worker cannot listen on ${host}:${port}: ${cause.message}; ${next}`
      reject(new KaosError('CONFIGURATION', why, { cause }))
    })
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port))
  })
}
