/* A server with two workspaces, somebody who pushes folders, and an administrator who collects. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Digest } from '../../../api/digest.ts'
import { FRAMES_TYPE, frameHeader } from '../../../api/transfer/protocol.ts'
import type { FsckRun, GcRun, PushRequest, PushView, UploadView } from '../../../api/wire.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import { objectsOf, putFolder } from '../../../store/trees.ts'
import { openTestApp, type TestApp, type TestOptions } from '../open.ts'

export type Files = Record<string, string | Buffer>

export interface Answer<T> {
  readonly status: number
  readonly body: T
}

/** A folder as its objects, each behind its length. */
export async function framesOf(files: Files): Promise<{ tree: Digest; frames: Buffer }> {
  const store = await openMemoryStore()
  async function* items() {
    for (const [path, text] of Object.entries(files)) {
      const content = Buffer.from(text)
      yield { path, content, executable: content.toString('latin1', 0, 2) === '#!' }
    }
  }
  const { digest: tree } = await putFolder(store, items())
  const parts: Uint8Array[] = []
  for await (const digest of objectsOf(store, tree)) {
    const bytes = await store.get(digest)
    parts.push(frameHeader(bytes.length), bytes)
  }
  return { tree, frames: Buffer.concat(parts) }
}

export class Scene {
  readonly test: TestApp

  constructor(test: TestApp) {
    this.test = test
  }

  get parts() {
    return this.test.parts
  }

  async call<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const answer = await this.test.app.inject({
      method,
      url: `/api/v1${path}`,
      headers,
      ...(body === undefined ? {} : { payload: body as object }),
    })
    const json = /json/.test(String(answer.headers['content-type']))
    return { status: answer.statusCode, body: json ? answer.json() : (answer.body as T) }
  }

  /** The answer's body; fails with it when it is a refusal. */
  async ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  /** Sends all objects of the folder; answers what to push. */
  async send(files: Files, ws = 'mnist'): Promise<{ upload: string; tree: Digest }> {
    const { upload } = await this.ask<UploadView>('POST', `/workspaces/${ws}/uploads`, {})
    const { tree, frames } = await framesOf(files)
    const path = `/workspaces/${ws}/uploads/${upload}/objects`
    const sent = await this.call('POST', path, frames, { 'content-type': FRAMES_TYPE })
    assert.equal(sent.status, 200, JSON.stringify(sent.body))
    return { upload, tree }
  }

  /** Pushes a data set, and ends the upload, so that nothing but the version keeps it. */
  async push(
    repository: string,
    files: Files,
    { ws = 'mnist', ...more }: Partial<PushRequest> & { ws?: string } = {},
  ): Promise<PushView> {
    const { upload, tree } = await this.send(files, ws)
    const order = { upload, kind: 'data', folder: repository, repository, tree, ...more }
    const view = await this.ask<PushView>('POST', `/workspaces/${ws}/repositories`, order)
    await this.ask('DELETE', `/workspaces/${ws}/uploads/${upload}`)
    return view
  }

  remove(repository: string, version: number, ws = 'mnist'): Promise<void> {
    const path = `/workspaces/${ws}/repositories/${encodeURIComponent(repository)}/versions`
    return this.ask('DELETE', `${path}/${version}?force=true`)
  }

  /** The content of an entity, as it comes. */
  async content(entity: string, ws = 'mnist'): Promise<number> {
    const path = `/workspaces/${ws}/entities/${entity}/content`
    return (await this.call('GET', path)).status
  }

  /** A collection, to its end. */
  async collect(request: { dryRun?: boolean; graceSeconds?: number } = {}): Promise<GcRun> {
    await this.ask('POST', '/admin/gc', { graceSeconds: 0, ...request })
    return this.ended(async () => (await this.ask<{ run: GcRun }>('GET', '/admin/gc')).run)
  }

  async fsck(request: { resume?: boolean } = {}): Promise<FsckRun> {
    await this.ask('POST', '/admin/fsck', request)
    return this.ended(async () => (await this.ask<{ run: FsckRun }>('GET', '/admin/fsck')).run)
  }

  async ended<T extends { state: string }>(look: () => Promise<T>): Promise<T> {
    for (;;) {
      const run = await look()
      if (run.state !== 'running') return run
      await sleep(5)
    }
  }
}

export async function openScene(t: TestContext, options: TestOptions = {}): Promise<Scene> {
  const scene = new Scene(await openTestApp(t, options))
  const { workspaces } = await scene.ask<{ workspaces: { name: string }[] }>('GET', '/workspaces')
  for (const name of ['mnist', 'other']) {
    if (workspaces.some(one => one.name === name)) continue
    await scene.ask('POST', '/workspaces', { name })
  }
  return scene
}
