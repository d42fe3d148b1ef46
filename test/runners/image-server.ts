/* The read-only half of an OCI registry over image layouts on disk, on loopback: what nodes pull from
 * where no kaos server runs. */
import { once } from 'node:events'
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface ImageServer {
  /** host:port */
  readonly at: string
  /** Paths that were asked for, with the status of the answer. */
  readonly asked: string[]
  add(layout: string): void
  close(): Promise<void>
}

/** `password`: what callers must show, whatever name they give. */
export async function serveImages(password?: string): Promise<ImageServer> {
  const layouts = new Set<string>()
  const asked: string[] = []
  const server = createServer((request, response) => {
    answer(request, response)
    asked.push(`${response.statusCode} ${request.method} ${request.url}`)
  })

  function answer(request: IncomingMessage, response: ServerResponse): void {
    if (password !== undefined && passwordOf(request) !== password) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="images"' }).end()
      return
    }
    const url = /^\/v2\/[^?]+\/(manifests|blobs)\/sha256:([0-9a-f]{64})/.exec(request.url ?? '')
    const path = url && [...layouts].map(one => blobIn(one, url[2]!)).find(existsSync)
    if (!path) {
      response.writeHead(404).end()
      return
    }
    const isManifest = url[1] === 'manifests'
    response.writeHead(200, {
      'content-type': isManifest
        ? 'application/vnd.oci.image.manifest.v1+json'
        : 'application/octet-stream',
      'content-length': statSync(path).size,
      'docker-content-digest': `sha256:${url[2]}`,
    })
    if (request.method === 'HEAD') response.end()
    else createReadStream(path).pipe(response)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    at: `127.0.0.1:${port}`,
    asked,
    add: layout => void layouts.add(layout),
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

function blobIn(layout: string, hex: string): string {
  return join(layout, 'blobs', 'sha256', hex)
}

function passwordOf({ headers }: IncomingMessage): string | undefined {
  const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? []
  return Buffer.from(basic, 'base64').toString('utf8').split(':')[1]
}
