/* What a store without packs does: each request is an object, each object a file of its own, synced
 * before the answer. A program of its own, started by packing.ts with a folder to write to. */
import { createHash } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const folder = process.argv[2] ?? '.'

async function keep(request: IncomingMessage): Promise<void> {
  const bytes = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>))
  const target = join(folder, createHash('sha256').update(bytes).digest('hex'))
  const file = await open(`${target}.part`, 'w')
  await file.writeFile(bytes)
  await file.sync()
  await file.close()
  await rename(`${target}.part`, target)
  const names = await open(folder, 'r')
  await names.sync()
  await names.close()
}

const server = createServer((request, response) => {
  keep(request).then(
    () => response.end('{}'),
    error => response.writeHead(500).end(String(error)),
  )
})
server.listen(0, '127.0.0.1', () => {
  console.log((server.address() as AddressInfo).port)
})
