/* Calls that change the protocol of their connection (WebSocket): after the handshake both
 * connections are joined, and the end of one is the end of the other. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream'
import { type Call, namesOf, upstreamOf } from './call.ts'
import { outwardHeaders } from './headers.ts'

export function splice(call: Call, socket: Duplex, head: Buffer): void {
  const options = upstreamOf(call)
  const { upgrade } = call.request.headers
  const headers = { ...options.headers, connection: 'Upgrade', ...(upgrade && { upgrade }) }
  const upstream = httpRequest({ ...options, headers })
  upstream.on('upgrade', (answer, service, first) => {
    const { upgrade: protocol = '' } = answer.headers
    socket.write(headOf(call, answer, [`connection: Upgrade`, `upgrade: ${protocol}`]))
    if (first.length > 0) socket.write(first)
    if (head.length > 0) service.write(head)
    pipeline(socket, service, () => socket.destroy())
    pipeline(service, socket, () => service.destroy())
  })
  upstream.on('response', answer => {
    // The service declines: its answer is passed on, and the connection ends with it.
    socket.write(headOf(call, answer, ['connection: close']))
    pipeline(answer, socket, () => socket.destroy())
  })
  upstream.on('error', () => {
    if (socket.writable) socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n')
  })
  socket.once('close', () => upstream.destroy())
  upstream.end()
}

function headOf(call: Call, answer: IncomingMessage, more: readonly string[]): string {
  const lines = [`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}`, ...more]
  for (const [name, value] of Object.entries(outwardHeaders(answer.headers, namesOf(call)))) {
    for (const one of [value].flat()) lines.push(`${name}: ${one}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
