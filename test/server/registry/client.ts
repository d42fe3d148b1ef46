/* A registry to test against, and what a client does to it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { NO_JOBS, openTestApp, type TestApp, type TestOptions } from '../open.ts'

export const IMAGE = 'application/vnd.oci.image.manifest.v1+json'
export const INDEX = 'application/vnd.oci.image.index.v1+json'
export const CONFIG = 'application/vnd.oci.image.config.v1+json'
export const LAYER = 'application/vnd.oci.image.layer.v1.tar'

export type Answer = LightMyRequestResponse

export interface Descriptor {
  readonly mediaType: string
  readonly digest: string
  readonly size: number
  readonly [key: string]: unknown
}

export interface Pushed extends Descriptor {
  readonly answer: Answer
  readonly bytes: Buffer
}

export interface TestRegistry extends TestApp {
  call(
    method: string,
    path: string,
    options?: Omit<InjectOptions, 'method' | 'url'>,
  ): Promise<Answer>
  /** In one request. Answers its descriptor. */
  blob(name: string, bytes: Buffer | string, mediaType?: string): Promise<Descriptor>
  manifest(
    name: string,
    reference: string | undefined,
    content: object,
    type?: string,
  ): Promise<Pushed>
  /** A manifest with a config and a layer of its own. */
  image(name: string, tag: string | undefined, extra?: object): Promise<Pushed>
  /** Codes of an answer's errors. */
  tags(name: string): Promise<string[]>
}

export async function openRegistry(
  t: TestContext,
  options: TestOptions = {},
): Promise<TestRegistry> {
  const test = await openTestApp(t, { jobs: NO_JOBS, ...options })
  const { app } = test
  let images = 0

  const call: TestRegistry['call'] = (method, path, rest = {}) => {
    return app.inject({ method: method as 'GET', url: path, ...rest })
  }
  const registry: TestRegistry = {
    ...test,
    call,
    async blob(name, bytes, mediaType = LAYER) {
      const payload = Buffer.from(bytes)
      const digest = digestOf(payload)
      const answer = await call('POST', `/v2/${name}/blobs/uploads/?digest=${digest}`, { payload })
      assert.equal(answer.statusCode, 201, answer.body)
      return { mediaType, digest, size: payload.length }
    },
    async manifest(name, reference, content, type = IMAGE) {
      const bytes = Buffer.from(JSON.stringify(content))
      const digest = digestOf(bytes)
      const path = `/v2/${name}/manifests/${reference ?? digest}`
      const answer = await call('PUT', path, { payload: bytes, headers: { 'content-type': type } })
      return { answer, bytes, mediaType: type, digest, size: bytes.length }
    },
    async image(name, tag, extra = {}) {
      const config = await registry.blob(name, `{"image":${++images}}`, CONFIG)
      const layer = await registry.blob(name, `layer ${images}`)
      const content = { schemaVersion: 2, mediaType: IMAGE, config, layers: [layer], ...extra }
      const pushed = await registry.manifest(name, tag, content)
      assert.equal(pushed.answer.statusCode, 201, pushed.answer.body)
      return pushed
    },
    async tags(name) {
      return (await call('GET', `/v2/${name}/tags/list`)).json().tags
    },
  }
  if (test.parts.settings.local) await makeWorkspace(registry, 'mnist')
  return registry
}

export async function makeWorkspace(
  { call }: Pick<TestRegistry, 'call'>,
  name: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const answer = await call('POST', '/api/v1/workspaces', { payload: { name }, headers })
  assert.ok(answer.statusCode < 300, answer.body)
}

export function digestOf(bytes: Buffer | string, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

export function codeOf(answer: Answer): string {
  return answer.json().errors[0].code
}

/** What a client does with a Location: it may be relative, and have a query already. */
export function located(answer: Answer, query = ''): string {
  const location = String(answer.headers.location)
  return query === '' ? location : `${location}${location.includes('?') ? '&' : '?'}${query}`
}
