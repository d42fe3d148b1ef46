/* A server with the jobs half on real files, a user who sends bundles, and a worker that does what
 * the test says: all of them speak the real HTTP API. */
import type { TestContext } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import type { Renewal, Report, WorkOrder } from '../../../api/attempts.ts'
import type { Digest } from '../../../api/digest.ts'
import { FRAMES_TYPE } from '../../../api/transfer/protocol.ts'
import type { Entry } from '../../../api/tree.ts'
import type { BundleView, JobView, TrainAccepted, TrainList } from '../../../api/wire.ts'
import type { Ledger } from '../../../graph/ledger.ts'
import type { Messenger } from '../../../server/jobs/neighbours.ts'
import type { Limits, Settings } from '../../../server/parts.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import type { Store } from '../../../store/store.ts'
import { fileFrames, putBytes, putTree, treeFrames } from '../../../store/trees.ts'
import { openTestApp, type TestApp, tempFolder } from '../open.ts'

export type Files = { readonly [name: string]: string | Files }

export interface Options {
  readonly settings?: Partial<Settings>
  readonly limits?: Limits
  readonly folder?: string
  readonly store?: Store
  readonly withLedger?: (ledger: Ledger) => Ledger
  readonly messenger?: Messenger
}

export const SOURCE: Files = {
  Dockerfile: 'FROM scratch\nCOPY . /opt/program\nRUN chmod +x train\n',
  model: { train: '#!/bin/sh\necho trained\n', '__init__.py': '' },
}
export const SERVE: Files = {
  Dockerfile: 'FROM scratch\nCOPY . /opt/program\nRUN chmod +x serve\n',
  model: { serve: '#!/bin/sh\necho serving\n' },
}
export const DATA: Files = { 'a.csv': '1,2\n' }
export const START = '2026-01-01T00:00:00.000Z'
export const FINISH = '2026-01-01T00:00:02.500Z'

export async function openScripted(t: TestContext, options: Options = {}): Promise<Scripted> {
  const folder = options.folder ?? (await tempFolder(t))
  return new Scripted(t, await openTestApp(t, { ...options, folder }), options)
}

export class Scripted {
  readonly t: TestContext
  readonly test: TestApp
  readonly options: Options
  #worker: Promise<string> | undefined

  constructor(t: TestContext, test: TestApp, options: Options) {
    this.t = t
    this.test = test
    this.options = options
  }

  async call(
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<LightMyRequestResponse> {
    const payload = body === undefined ? {} : { payload: body as object }
    return this.test.app.inject({ method, url: `/api/v1${url}`, headers, ...payload })
  }

  /** The answer's JSON; throws what a refused call says. */
  async ask<T>(method: 'GET' | 'POST' | 'DELETE', url: string, body?: unknown): Promise<T> {
    const answer = await this.call(method, url, body)
    if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`)
    return answer.body === '' ? (undefined as T) : (answer.json() as T)
  }

  async workspace(name = 'mnist'): Promise<void> {
    await this.ask('POST', '/workspaces', { name })
  }

  async bundle(kind: string, folder: string, files: Files, ws = 'mnist'): Promise<BundleView> {
    const base = `/workspaces/${ws}/uploads`
    const { upload } = await this.ask<{ upload: string }>('POST', base, {})
    const { tree, frames } = await treeOf(files)
    const headers = { 'content-type': FRAMES_TYPE }
    const sent = await this.call('POST', `${base}/${upload}/objects`, frames, headers)
    if (sent.statusCode !== 200) throw new Error(sent.body)
    return this.ask('POST', `/workspaces/${ws}/bundles`, { upload, kind, folder, tree })
  }

  train(request: object, ws = 'mnist'): Promise<TrainAccepted> {
    return this.ask('POST', `/workspaces/${ws}/train`, request)
  }

  /** Source and data sent, and a training of them asked for. */
  async firstTraining(request: object = {}): Promise<TrainAccepted> {
    await this.workspace()
    const source = await this.bundle('train-source', 'mnist', SOURCE)
    const data = await this.bundle('data', 'features', DATA)
    return this.train({ source: source.id, data: data.id, ...request })
  }

  job(id: string, query = ''): Promise<JobView> {
    return this.ask('GET', `/workspaces/mnist/jobs/${id}${query}`)
  }

  list(): Promise<TrainList> {
    return this.ask('GET', '/workspaces/mnist/train')
  }

  async log(id: string): Promise<string> {
    return (await this.call('GET', `/workspaces/mnist/jobs/${id}/logs`)).body
  }

  async workerCall(
    url: string,
    body: unknown,
    token: string,
    type = 'application/json',
  ): Promise<LightMyRequestResponse> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type }
    return this.call('POST', `/attempts/${url}`, body, headers)
  }

  async claim(kinds = ['build', 'trial'], waitMs = 0): Promise<WorkOrder | undefined> {
    this.#worker ??= this.test.parts.people.issueWorkerToken('w1')
    const body = { worker: 'w1', runner: 'process', kinds, waitMs }
    const answer = await this.workerCall('claim', body, await this.#worker)
    if (answer.statusCode === 204) return undefined
    if (answer.statusCode !== 200) throw new Error(answer.body)
    return answer.json() as WorkOrder
  }

  async claimed(kinds?: string[], waitMs = 0): Promise<WorkOrder> {
    const order = await this.claim(kinds, waitMs)
    if (!order) throw new Error('there was nothing to claim')
    return order
  }

  renew(order: WorkOrder, phase: Renewal['phase'], more: object = {}) {
    return this.workerCall(`${order.attempt}/renew`, { phase, ...more }, order.token)
  }

  writeLog(order: WorkOrder, offset: number, text: string) {
    const url = `${order.attempt}/log?offset=${offset}`
    return this.workerCall(url, Buffer.from(text), order.token, 'application/octet-stream')
  }

  report(order: WorkOrder, report: Partial<Report>) {
    const body = { state: 'succeeded', startedAt: START, finishedAt: FINISH, ...report }
    return this.workerCall(`${order.attempt}/report`, body, order.token)
  }

  async sendTree(order: WorkOrder, files: Files): Promise<Digest> {
    const { tree, frames } = await treeOf(files)
    await this.#send(order, frames)
    return tree
  }

  async sendFile(order: WorkOrder, text: string): Promise<{ digest: Digest; size: number }> {
    const store = await openMemoryStore()
    const file = await putBytes(store, Buffer.from(text))
    await this.#send(order, Buffer.concat(await Array.fromAsync(fileFrames(store, file.digest))))
    return file
  }

  async #send(order: WorkOrder, frames: Buffer): Promise<void> {
    const sent = await this.workerCall(`${order.attempt}/objects`, frames, order.token, FRAMES_TYPE)
    if (sent.statusCode !== 200) throw new Error(sent.body)
  }

  /** Claims the next build and ends it well. */
  async build(): Promise<WorkOrder> {
    const order = await this.claimed(['build'])
    await this.endBuild(order)
    return order
  }

  async endBuild(order: WorkOrder): Promise<void> {
    if (order.work.kind !== 'build') throw new Error('not a build')
    const tree = await this.sendTree(order, { 'environment.json': order.attempt })
    const image = {
      name: order.work.image,
      kind: 'environment' as const,
      tree,
      program: order.work.program,
      labels: {},
    }
    const log = await this.sendFile(order, 'built\n')
    const environment = { python: '3.12.1', packages: ['numpy'] }
    const answer = await this.report(order, { image, log, environment })
    if (answer.statusCode !== 200) throw new Error(answer.body)
  }

  /** Claims the next trial and ends it with these metrics and this log. */
  async trial(metrics: unknown = { accuracy: 0.9 }, log = 'trained\n'): Promise<WorkOrder> {
    const order = await this.claimed(['trial'])
    await this.endTrial(order, { 'metrics.json': JSON.stringify(metrics) }, log)
    return order
  }

  async endTrial(order: WorkOrder, metrics: Files, log = 'trained\n'): Promise<void> {
    const output = await this.sendTree(order, {
      model: { 'model.pkl': `model of ${order.attempt}` },
      metrics,
    })
    const stored = await this.sendFile(order, log)
    const environment = { python: '3.12.1', cpu: 'test' }
    const answer = await this.report(order, { exit: 0, output, log: stored, environment })
    if (answer.statusCode !== 200) throw new Error(answer.body)
  }

  /** Claims the next ingestion and ends it with these files, as if they had been fetched. */
  async ingest(files: Files = DATA): Promise<WorkOrder> {
    const order = await this.claimed(['ingest'])
    const answer = await this.endIngest(order, files)
    if (answer.statusCode !== 200) throw new Error(answer.body)
    return order
  }

  async endIngest(order: WorkOrder, files: Files): Promise<LightMyRequestResponse> {
    const output = await this.sendTree(order, files)
    const lines = Object.keys(files).map(path =>
      JSON.stringify({ url: `https://example.com/${path}`, path, sha256: '00', size: 4 }),
    )
    const fetched = await this.sendFile(order, lines.join('\n'))
    const log = await this.sendFile(order, 'fetched\n')
    const total = lines.length
    const progress = { done: total, failed: 0, skipped: 0, total }
    return this.report(order, { output, fetched, log, progress })
  }

  /** The server again on the same files, as after a crash of it. */
  async restart(): Promise<Scripted> {
    await this.test.close()
    return openScripted(this.t, { ...this.options, folder: this.test.folder })
  }
}

async function treeOf(files: Files): Promise<{ tree: Digest; frames: Buffer }> {
  const store = await openMemoryStore()
  const tree = await folderOf(store, files)
  return { tree, frames: Buffer.concat(await Array.fromAsync(treeFrames(store, tree))) }
}

async function folderOf(store: Store, files: Files): Promise<Digest> {
  const entries: Entry[] = []
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === 'string') {
      const file = await putBytes(store, Buffer.from(content))
      entries.push({ name, kind: 'file', ...file })
    } else {
      const digest = await folderOf(store, content)
      const size = await sizeBelow(content)
      entries.push({ name, kind: 'folder', size, digest })
    }
  }
  return putTree(store, entries)
}

async function sizeBelow(files: Files): Promise<number> {
  let size = 0
  for (const content of Object.values(files)) {
    size += typeof content === 'string' ? Buffer.byteLength(content) : await sizeBelow(content)
  }
  return size
}
