/* The line between the server and one of its parts, which can be cut in the middle of what it carries. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

export class Line {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #cutting = false

  private constructor(target: string) {
    this.#server = createServer(near => {
      const far = target.startsWith('/') ? connect(target) : connect(placeOf(target))
      this.#carry(near, far)
      this.#carry(far, near)
    })
  }

  /** `target`: host:port, or the path of a socket. Listens at `at` (a socket's path) or on a free port. */
  static async to(t: TestContext, target: string, at?: string): Promise<Line> {
    const line = new Line(target)
    line.#server.listen(at === undefined ? { port: 0, host: '127.0.0.1' } : { path: at })
    await once(line.#server, 'listening')
    t.after(() => line.#close())
    return line
  }

  get at(): string {
    const address = this.#server.address() as AddressInfo | string
    return typeof address === 'string' ? address : `127.0.0.1:${address.port}`
  }

  /** Of the next bytes half go through; then every connection is gone. Resolves when they are. */
  async cut(): Promise<void> {
    this.#cutting = true
    while (this.#cutting) await new Promise(resolve => setTimeout(resolve, 5))
  }

  /** Whether a cut that was asked for is still to come. */
  get isToBeCut(): boolean {
    return this.#cutting
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.on('error', () => undefined)
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
    from.on('end', () => to.end())
    from.on('drain', () => to.resume())
    from.on('data', bytes => {
      if (!this.#cutting) {
        if (!to.write(bytes)) from.pause()
        return
      }
      to.end(bytes.subarray(0, bytes.length >> 1), () => this.#hangUp())
    })
  }

  #hangUp(): void {
    this.#cutting = false
    for (const socket of this.#sockets) {
      // Sockets with a path know no reset, and a process that reset one that is ending spins for ever
      // when it is to end itself (Node 24: a request that is never counted as done).
      if (socket.remotePort === undefined || socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  async #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

function placeOf(target: string): { host: string; port: number } {
  const [host = '', port] = target.split(':')
  return { host, port: Number(port) }
}
