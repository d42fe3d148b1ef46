/* What kit 1.7.0 sends to a registry, request by request: a push asks what is there, sends what is
 * missing with POST and one PUT, and then the manifest by its tag. */
import assert from 'node:assert/strict'
import type { Kit } from './kit.ts'
import { sha256 } from './kit.ts'

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'
const ACCEPT = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  MANIFEST,
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.artifact.manifest.v1+json',
].join(', ')

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
}

export interface Manifest {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
}

export interface Pulled {
  readonly digest: string
  readonly bytes: Buffer
  readonly manifest: Manifest
  readonly kitfile: Kitfile
}

type Entry = { readonly name?: string; readonly path: string; readonly digest: string }
interface Kitfile {
  readonly model?: Entry
  readonly code?: readonly Entry[]
  readonly datasets?: readonly Entry[]
}

export class KitClient {
  readonly #base: string
  readonly #headers: Record<string, string>

  /** `base` without a slash at its end; a token for a user of the server. */
  constructor(base: string, token?: string) {
    this.#base = base
    const basic = Buffer.from(`kit:${token}`).toString('base64')
    this.#headers = token === undefined ? {} : { authorization: `Basic ${basic}` }
  }

  async #call(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...this.#headers, ...(init.headers as Record<string, string>) }
    return fetch(new URL(path, this.#base), { ...init, method, headers })
  }

  /** Answers how many blobs were sent. */
  async push(repository: string, tag: string, kit: Kit): Promise<number> {
    const known = await this.#call('HEAD', `/v2/${repository}/manifests/${kit.digest}`, {
      headers: { accept: MANIFEST },
    })
    let sent = 0
    if (known.status === 404) {
      for (const [digest, bytes] of kit.blobs) {
        if (await this.#has(repository, digest)) continue
        await this.#send(repository, digest, bytes)
        sent++
      }
    }
    const put = await this.#call('PUT', `/v2/${repository}/manifests/${tag}`, {
      headers: { 'content-type': MANIFEST },
      body: kit.manifest,
    })
    assert.equal(put.status, 201, await put.text())
    assert.equal(put.headers.get('docker-content-digest'), kit.digest)
    return sent
  }

  async #has(repository: string, digest: string): Promise<boolean> {
    const answer = await this.#call('HEAD', `/v2/${repository}/blobs/${digest}`)
    return answer.status === 200
  }

  async #send(repository: string, digest: string, bytes: Buffer): Promise<void> {
    const begun = await this.#call('POST', `/v2/${repository}/blobs/uploads/`)
    assert.equal(begun.status, 202)
    const place = new URL(begun.headers.get('location')!, this.#base)
    place.searchParams.set('digest', digest)
    const ended = await this.#call('PUT', place.href, {
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
    })
    assert.equal(ended.status, 201, await ended.text())
  }

  /** Undefined when there is no such tag or digest. */
  async pull(repository: string, reference: string): Promise<Pulled | undefined> {
    const path = `/v2/${repository}/manifests/`
    const found = await this.#call('HEAD', path + reference, { headers: { accept: ACCEPT } })
    if (found.status === 404) return undefined
    assert.equal(found.status, 200)
    const digest = found.headers.get('docker-content-digest')!
    const answer = await this.#call('GET', path + digest, {
      headers: { accept: found.headers.get('content-type')! },
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    assert.equal(sha256(bytes), digest)
    const manifest = JSON.parse(bytes.toString()) as Manifest
    const config = await this.blob(repository, manifest.config)
    return { digest, bytes, manifest, kitfile: JSON.parse(config.toString()) }
  }

  /** The bytes of a blob, which are what its descriptor says. */
  async blob(repository: string, { digest, size }: Descriptor): Promise<Buffer> {
    const answer = await this.#call('GET', `/v2/${repository}/blobs/${digest}`)
    assert.equal(answer.status, 200)
    const bytes = Buffer.from(await answer.arrayBuffer())
    assert.deepEqual([sha256(bytes), bytes.length], [digest, size])
    return bytes
  }

  async has(repository: string, digest: string): Promise<boolean> {
    return this.#has(repository, digest)
  }

  async list(repository: string): Promise<string[]> {
    const answer = await this.#call('GET', `/v2/${repository}/tags/list`)
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { tags: string[] }).tags
  }

  async remove(repository: string, tag: string): Promise<void> {
    const pulled = await this.pull(repository, tag)
    const answer = await this.#call('DELETE', `/v2/${repository}/manifests/${pulled!.digest}`)
    assert.equal(answer.status, 202)
  }

  /** kit tag: the same kit under another name, which is then pushed; both may be in one repository. */
  async retag(from: string, tag: string, repository: string, other: string): Promise<void> {
    const { bytes, digest, manifest } = (await this.pull(from, tag))!
    const blobs = new Map<string, Buffer>()
    for (const one of [manifest.config, ...manifest.layers]) {
      blobs.set(one.digest, await this.blob(from, one))
    }
    const layers = manifest.layers.map(layer => layer.digest)
    await this.push(repository, other, { manifest: bytes, digest, blobs, layers })
  }

  async referrers(
    repository: string,
    digest: string,
  ): Promise<(Descriptor & { artifactType: string })[]> {
    const answer = await this.#call('GET', `/v2/${repository}/referrers/${digest}`)
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { manifests: [] }).manifests
  }

  async refusedPush(
    repository: string,
    tag: string,
    kit: Kit,
  ): Promise<{ status: number; body: string }> {
    for (const [digest, bytes] of kit.blobs) await this.#send(repository, digest, bytes)
    const put = await this.#call('PUT', `/v2/${repository}/manifests/${tag}`, {
      headers: { 'content-type': MANIFEST },
      body: kit.manifest,
    })
    return { status: put.status, body: await put.text() }
  }
}
