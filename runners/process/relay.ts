/* Leads connections to a unix socket on to a port on loopback. It stands in the service's own
 * network but sees the host's files: so it is the bridge between the two. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export async function openRelay(socket: string, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, client => {
    client.on('error', () => client.destroy())
    bridge(client, ['127.0.0.1', '::1'], port)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
  return server
}

/** Tries the hosts in turn: a program that says "localhost" may listen on either. */
function bridge(client: Socket, hosts: readonly string[], port: number): void {
  const [host, ...others] = hosts
  if (host === undefined) {
    client.destroy()
    return
  }
  const program = connect({ host, port, allowHalfOpen: true })
  const refused = () => bridge(client, others, port)
  program.once('error', refused)
  program.once('connect', () => {
    program.off('error', refused)
    program.on('error', () => client.destroy())
    client.on('close', () => program.destroy())
    program.on('close', () => client.destroy())
    client.pipe(program)
    program.pipe(client)
  })
}
