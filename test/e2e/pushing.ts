/* Pushers for tests that disturb the server: each sends small things as a real client does, asks first
 * what need not be sent, and can read back whatever was accepted. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Digest, digestOf, rawOf } from '../../api/digest.ts'
import { parseFrames } from '../../api/transfer/frames.ts'
import { FRAMES_TYPE, frameHeader } from '../../api/transfer/protocol.ts'
import type { PushView, UploadView, VersionList } from '../../api/wire.ts'
import { openMemoryStore } from '../../store/memory.ts'
import { objectsOf, putFolder } from '../../store/trees.ts'

export const WORKSPACE = 'stress'

/** A small file of its own, and a large one that others may have as well. */
export interface Content {
  readonly own: Buffer
  readonly shared: Buffer
}

/** What the server has acknowledged. */
export interface Accepted {
  readonly content: Content
  /** Files, blobs, manifests, lists. */
  readonly things: number
  /** Reads every byte back; from another server, if one is given. */
  isWhole(url?: string): Promise<boolean>
  /** Takes its name away. */
  drop(): Promise<void>
}

export interface Pusher {
  readonly name: string
  push(content: Content): Promise<Accepted>
}

/** The server said no: what was relied on is gone, for instance. Pushed again it must go well. */
export class Refused extends Error {}

async function call(url: string, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, init)
  if (answer.ok) return answer
  throw new Refused(`${init.method ?? 'GET'} ${url}: ${answer.status} ${await answer.text()}`)
}

const post = (url: string, body: unknown = {}): Promise<Response> =>
  call(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** Reads all of them back; why each that is not whole is not. */
export async function lostAmong(accepted: readonly Accepted[], url?: string): Promise<string[]> {
  const lost: string[] = []
  let next = 0
  const read = async () => {
    for (let one = accepted[next++]; one; one = accepted[next++]) {
      const why = await one.isWhole(url).then(whole => (whole ? '' : 'other bytes'), String)
      if (why !== '') lost.push(why)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, read))
  return lost
}

/** A background run of the server, to its end. One that a kill ended holds its lease for a while. */
export async function adminRun<T extends { state: string }>(
  server: string,
  what: 'gc' | 'fsck',
  body: object = {},
): Promise<T> {
  const url = `${server}/api/v1/admin/${what}`
  const headers = { 'content-type': 'application/json' }
  for (;;) {
    const begun = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    if (begun.status === 202) break
    if (begun.status !== 409) throw new Refused(await begun.text())
    await sleep(500)
  }
  for (;;) {
    const { run } = (await (await fetch(url)).json()) as { run: T }
    if (run.state !== 'running') return run
    await sleep(20)
  }
}

export async function makeWorkspace(server: string): Promise<void> {
  await post(`${server}/api/v1/workspaces`, { name: WORKSPACE })
}

/** Accepted things that are read at the same time. */
const AT_ONCE = 8

/** Files that a native push makes of its own bytes. */
const OWN_FILES = 8

/** Pushes before an upload is ended: what was sent under it is kept until then. */
const PER_UPLOAD = 4

/** `kaos data push`. */
export class NativePusher implements Pusher {
  readonly name: string
  readonly #base: (url?: string) => string
  #upload: string | undefined
  #pushes = 0

  constructor(url: () => string, name: string) {
    this.name = name
    this.#base = (other = url()) => `${other}/api/v1/workspaces/${WORKSPACE}`
  }

  async push(content: Content): Promise<Accepted> {
    const { tree, objects } = await folderOf(content)
    try {
      this.#upload ??= ((await (await post(`${this.#base()}/uploads`)).json()) as UploadView).upload
      await this.#send(objects)
      const order = { upload: this.#upload, tree, kind: 'data', folder: this.name }
      const answer = await post(`${this.#base()}/repositories`, { ...order, repository: this.name })
      const { version } = (await answer.json()) as PushView
      if (++this.#pushes % PER_UPLOAD === 0) await this.#end()
      return this.#accepted(content, version, new Set(objects.keys()))
    } catch (error) {
      this.#upload = undefined
      throw error
    }
  }

  #accepted(
    content: Content,
    { version, entity }: PushView['version'],
    wanted: ReadonlySet<Digest>,
  ): Accepted {
    return {
      content,
      things: OWN_FILES + 2,
      isWhole: async url => {
        const answer = await call(`${this.#base(url)}/entities/${entity}/content`)
        const found = new Set<Digest>()
        for await (const object of parseFrames(answer.body!)) found.add(digestOf(object))
        return wanted.isSubsetOf(found)
      },
      drop: async () => {
        const path = `repositories/${this.name}/versions/${version}?force=true`
        await call(`${this.#base()}/${path}`, { method: 'DELETE' })
      },
    }
  }

  async #send(objects: ReadonlyMap<Digest, Uint8Array>): Promise<void> {
    const url = `${this.#base()}/uploads/${this.#upload}`
    const digests = [...objects.keys()]
    const asked = await call(`${url}/have`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: Buffer.concat(digests.map(rawOf)),
    })
    const here = new Uint8Array(await asked.arrayBuffer())
    const missing = digests.filter((_, i) => here[i] !== 1).map(digest => objects.get(digest)!)
    if (missing.length === 0) return
    await call(`${url}/objects`, {
      method: 'POST',
      headers: { 'content-type': FRAMES_TYPE },
      body: Buffer.concat(missing.flatMap(bytes => [frameHeader(bytes.length), bytes])),
    })
  }

  async #end(): Promise<void> {
    const upload = this.#upload
    this.#upload = undefined
    await call(`${this.#base()}/uploads/${upload}`, { method: 'DELETE' })
  }
}

async function folderOf({ own, shared }: Content) {
  const store = await openMemoryStore()
  const part = Math.ceil(own.length / OWN_FILES)
  const items = Array.from({ length: OWN_FILES }, (_, n) => {
    return { path: `own/${n}.bin`, content: own.subarray(n * part, (n + 1) * part) }
  })
  items.push({ path: 'in/shared.bin', content: shared })
  const { digest: tree } = await putFolder(store, items)
  const objects = new Map<Digest, Uint8Array>()
  for await (const digest of objectsOf(store, tree)) objects.set(digest, await store.get(digest))
  return { tree, objects }
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const hashOf = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

/** An OCI client: two layers and a config, then the manifest. */
export class OciPusher implements Pusher {
  readonly name: string
  readonly #base: (url?: string) => string

  constructor(url: () => string, name: string) {
    this.name = name
    this.#base = (other = url()) => `${other}/v2/${WORKSPACE}/${name}`
  }

  async push(content: Content): Promise<Accepted> {
    const layers = [await this.#blob(content.own), await this.#blob(content.shared)]
    const config = { ...(await this.#blob(Buffer.from('{}'))), mediaType: 'application/json' }
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers }
    const bytes = Buffer.from(JSON.stringify(manifest))
    const digest = digestOf(bytes)
    const url = `${this.#base()}/manifests/${digest}`
    await call(url, { method: 'PUT', headers: { 'content-type': MANIFEST }, body: bytes })
    const blobs = [config, ...layers].map(blob => `blobs/${blob.digest}`)
    return {
      content,
      things: 4,
      isWhole: async url => {
        for (const path of [`manifests/${digest}`, ...blobs]) {
          const answer = await call(`${this.#base(url)}/${path}`)
          const found = digestOf(new Uint8Array(await answer.arrayBuffer()))
          if (!path.endsWith(found)) return false
        }
        return true
      },
      drop: async () => void (await call(url, { method: 'DELETE' })),
    }
  }

  async #blob(bytes: Buffer) {
    const digest = digestOf(bytes)
    const there = await fetch(`${this.#base()}/blobs/${digest}`, { method: 'HEAD' })
    if (!there.ok) {
      const url = `${this.#base()}/blobs/uploads/?digest=${digest}`
      const headers = { 'content-type': 'application/octet-stream' }
      await call(url, { method: 'POST', headers, body: bytes })
    }
    return { mediaType: 'application/octet-stream', digest, size: bytes.length }
  }
}

/** `dvc push` of a folder: its files, then their list. */
export class DvcPusher implements Pusher {
  readonly name: string
  readonly #url: () => string
  #newest = 0

  constructor(url: () => string, name: string) {
    this.name = name
    this.#url = url
  }

  async push(content: Content): Promise<Accepted> {
    const files = [content.own, content.shared]
    const rows = files.map((bytes, i) => ({ md5: hashOf('md5', bytes), relpath: `${i}.bin` }))
    const list = Buffer.from(JSON.stringify(rows))
    for (const bytes of files) await this.#put(placeOf(hashOf('md5', bytes)), bytes)
    const place = `${placeOf(hashOf('md5', list))}.dir`
    await this.#put(place, list)
    const repository = `${this.#url()}/api/v1/workspaces/${WORKSPACE}/repositories/${this.name}`
    const answer = await call(`${repository}/versions?limit=1`)
    const newest = ((await answer.json()) as VersionList).versions[0]?.version ?? 0
    // Made later, when the remote is looked at again: then nobody was told of it.
    if (newest <= this.#newest) throw new Refused(`${this.name} has no new version`)
    this.#newest = newest
    return {
      content,
      things: 3,
      isWhole: async url => {
        for (const bytes of files) {
          const read = await call(`${this.#remote(url)}/${placeOf(hashOf('md5', bytes))}`)
          if (!bytes.equals(Buffer.from(await read.arrayBuffer()))) return false
        }
        return (await call(`${this.#remote(url)}/${place}`)).ok
      },
      drop: async () => {
        await call(`${repository}/versions/${newest}?force=true`, { method: 'DELETE' })
      },
    }
  }

  #remote(url = this.#url()): string {
    return `${url}/dvc/${WORKSPACE}/${this.name}`
  }

  async #put(place: string, bytes: Buffer): Promise<void> {
    const url = `${this.#remote()}/${place}`
    if ((await fetch(url, { method: 'HEAD' })).ok) return
    await call(url, { method: 'PUT', body: bytes })
  }
}

function placeOf(hash: string): string {
  return `files/md5/${hash.slice(0, 2)}/${hash.slice(2)}`
}
