/* A server that plays the attempts API from a script: hands out orders, keeps what it is sent, and can
 * go away, forget an attempt, or ask for a stop. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Renewal, Report, WorkOrder } from '../../../api/attempts.ts'
import { type Digest, digestFromRaw, digestOf } from '../../../api/digest.ts'
import { newId } from '../../../api/ids.ts'
import { parseFrames } from '../../../api/transfer/frames.ts'
import { foldersOf, Met, partsOf } from '../../../api/transfer/parts.ts'
import { frameHeader } from '../../../api/transfer/protocol.ts'
import { type Channel, sendFolder } from '../../../api/transfer/send.ts'
import { decodeFile, decodeTree, type Entry } from '../../../api/tree.ts'
import { type Enrolment, thumbprintOf } from '../../../api/worker-keys.ts'

/** What the server knows of one attempt. */
export interface Played {
  readonly order: WorkOrder
  readonly renewals: Renewal[]
  readonly reports: Report[]
  log: Buffer
  measurements: Buffer
  metrics: Buffer
  stop: boolean
  stale: boolean
}

export class ScriptedServer {
  readonly objects = new Map<Digest, Buffer>()
  readonly attempts = new Map<string, Played>()
  readonly workerToken = newId()
  readonly #ready: Played[] = []
  readonly #changes = new EventTarget()
  #server: Server | undefined
  #port = 0
  /** Claims that came with the right token. */
  claims = 0
  /** So many reports are answered with 503 first. */
  refuseReports = 0
  /** Log that workers enrol their keys in; undefined: a server of before there were such keys. */
  installation: string | undefined
  readonly enrolled: Enrolment[] = []
  /** Names of keys that are taken no longer. */
  readonly ended = new Set<string>()

  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(error => response.destroy(error))
    })
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections()
    this.#server?.close()
    await once(this.#server!, 'close')
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Puts a folder into the store. */
  async put(folder: string): Promise<Digest> {
    const channel: Channel = {
      have: async digests => digests.map(digest => this.objects.has(digest)),
      objects: async frames => this.#keep([Buffer.concat(frames)]),
    }
    return (await sendFolder(folder, channel, { ignores: () => false })).tree
  }

  offer(work: WorkOrder['work']): Played {
    const attempt = newId()
    const order = {
      ...{ attempt, number: 1, token: newId(), leaseMs: 900, workspace: 'mnist', job: newId() },
      work,
      ...(this.installation !== undefined && {
        signing: { installation: this.installation, agent: newId(), runner: 'process' },
      }),
    }
    const played: Played = {
      ...{ order, renewals: [], reports: [], log: Buffer.alloc(0), measurements: Buffer.alloc(0) },
      metrics: Buffer.alloc(0),
      ...{ stop: false, stale: false },
    }
    this.attempts.set(attempt, played)
    this.#ready.push(played)
    this.#changed()
    return played
  }

  /** Resolves once it is so, looked at after every call that came. */
  async until<T>(found: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = found()
      if (value !== undefined && value !== false) return value
      await once(this.#changes, 'change')
    }
  }

  reported(played: Played): Promise<Report> {
    return this.until(() => played.reports[0])
  }

  /** The text of a stored file, by its path in a stored folder. */
  text(tree: Digest, path: string): string | undefined {
    let found: Entry | undefined
    let folder = tree
    for (const name of path.split('/')) {
      found = decodeTree(this.objects.get(folder)!).find(entry => entry.name === name)
      if (found === undefined) return undefined
      folder = found.digest
    }
    const { within, digest, size } = found!
    if (within === undefined) return this.file(digest)
    const segment = this.objects.get(within.segment)!
    return segment.toString('utf8', within.offset, within.offset + size)
  }

  file(digest: Digest): string {
    const chunks = decodeFile(this.objects.get(digest)!)
    return Buffer.concat(chunks.map(chunk => this.objects.get(chunk.digest)!)).toString('utf8')
  }

  #changed(): void {
    this.#changes.dispatchEvent(new Event('change'))
  }

  async #keep(body: Iterable<Buffer>): Promise<void> {
    const source = (async function* () {
      yield* body
    })()
    for await (const object of parseFrames(source)) {
      this.objects.set(digestOf(object), Buffer.from(object))
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const [attempt = '', ...rest] = url.pathname.replace('/api/v1/attempts/', '').split('/')
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (url.pathname === '/api/v1/server' && this.installation !== undefined) {
      return json(response, { installation: this.installation })
    }
    if (attempt === 'enrol' && this.installation !== undefined) {
      const body = JSON.parse(String(await bodyOf(request))) as Enrolment
      if (this.ended.has(thumbprintOf(body.x))) return problem(response, 403, 'KEY_REFUSED')
      this.enrolled.push(body)
      return json(response, { kid: thumbprintOf(body.x) })
    }
    if (attempt === 'claim') {
      const body = JSON.parse(String(await bodyOf(request)))
      if (token !== this.workerToken) return problem(response, 401, 'AUTHORIZATION_FAILURE')
      if (this.ended.has(body.kid)) return problem(response, 403, 'KEY_REFUSED')
      this.claims++
      this.#changed()
      return this.#claim(response, body.kinds)
    }
    const played = this.attempts.get(attempt)
    if (played === undefined) return problem(response, 404, 'NOT_FOUND')
    if (token !== played.order.token) return problem(response, 401, 'AUTHORIZATION_FAILURE')
    const body = await bodyOf(request)
    if (played.stale) return problem(response, 409, 'ATTEMPT_STALE')
    await this.#call(played, rest, url, body, response)
    this.#changed()
  }

  async #claim(response: ServerResponse, kinds: string[]): Promise<void> {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    for (;;) {
      const at = this.#ready.findIndex(played => kinds.includes(played.order.work.kind))
      const [played] = at < 0 || gone.signal.aborted ? [] : this.#ready.splice(at, 1)
      if (played !== undefined) return json(response, played.order)
      await once(this.#changes, 'change', { signal: gone.signal }).catch(() => {})
      if (gone.signal.aborted) return
    }
  }

  async #call(
    played: Played,
    [name, digest, part]: string[],
    url: URL,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    if (name === 'renew') {
      played.renewals.push(JSON.parse(String(body)))
      return json(response, { leaseMs: played.order.leaseMs, stop: played.stop })
    }
    if (name === 'log' || name === 'measurements' || name === 'metrics') {
      const offset = Number(url.searchParams.get('offset'))
      if (offset > played[name].length) return problem(response, 409, 'CONFLICT')
      const fresh = body.subarray(played[name].length - offset)
      played[name] = Buffer.concat([played[name], fresh])
      return json(response, { offset: played[name].length })
    }
    if (name === 'have') {
      const count = body.length / 32
      const here = Array.from({ length: count }, (_, i) => {
        return this.objects.has(digestFromRaw(body.subarray(i * 32, i * 32 + 32))) ? 1 : 0
      })
      response.end(Buffer.from(here))
      return
    }
    if (name === 'objects') {
      await this.#keep([body])
      return json(response, {})
    }
    if (name === 'trees') {
      await this.#sendParts(digest as Digest, part === 'folders' ? undefined : body, response)
      response.end()
      return
    }
    if (this.refuseReports-- > 0) return problem(response, 503, 'UNAVAILABLE')
    played.reports.push(JSON.parse(String(body)))
    json(response, {})
  }

  /** The folders alone, or the parts that the body asks for. */
  async #sendParts(
    tree: Digest,
    body: Buffer | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const met = new Met()
    const asked = new Set<Digest>()
    for (let at = 0; at < (body?.length ?? 0); at += 32) {
      asked.add(digestFromRaw(body!.subarray(at, at + 32)))
    }
    for await (const folder of foldersOf(tree, async digest => this.objects.get(digest)!)) {
      if (body === undefined) this.#send(folder.digest, response)
      const { segments, files } = partsOf(folder, part => asked.has(part), met)
      for (const segment of segments) this.#send(segment.digest, response)
      for (const file of files) {
        for (const chunk of decodeFile(this.#send(file.digest, response))) {
          this.#send(chunk.digest, response)
        }
      }
    }
  }

  #send(digest: Digest, response: ServerResponse): Buffer {
    const object = this.objects.get(digest)!
    response.write(frameHeader(object.length))
    response.write(object)
    return object
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(request))
}

function json(response: ServerResponse, value: unknown): void {
  response.end(JSON.stringify(value))
}

function problem(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(JSON.stringify({ status, code, detail: `${code}, as the script wants it` }))
}
