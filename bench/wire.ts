/* Counts what really goes over a socket: a door in front of a server that hands every byte on. Used in
 * rounds that are not timed, because it costs time itself. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface Door {
  readonly url: string
  /** Towards the server, headers included, since the last call. */
  taken(): number
  close(): void
}

export async function openDoor(target: string): Promise<Door> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let sent = 0
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {
        client.destroy()
        upstream.destroy()
      })
      socket.once('close', () => sockets.delete(socket))
    }
    client.on('data', data => {
      sent += data.length
    })
    client.pipe(upstream).pipe(client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken() {
      const so = sent
      sent = 0
      return so
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
