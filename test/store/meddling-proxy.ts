import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A way to a server over which bytes can be lost and changed. */
export class MeddlingProxy {
  /** Sees what goes to the server, and answers what goes on: undefined cuts the connection. */
  meddle: (bytes: Buffer) => Buffer | undefined = bytes => bytes
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: URL) {
    this.#server = createServer(near => {
      const far = connect(Number(target.port), target.hostname)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          this.#sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      far.pipe(near)
      near.on('data', bytes => {
        const through = this.meddle(bytes)
        if (through === undefined) near.destroy()
        else far.write(through)
      })
      near.on('end', () => far.end())
    })
  }

  /** Listens on loopback until the test is over. */
  static async to(t: Pick<TestContext, 'after'>, target: string): Promise<MeddlingProxy> {
    const proxy = new MeddlingProxy(new URL(target))
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    t.after(() => proxy.close())
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
