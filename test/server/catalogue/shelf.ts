/* A server with a catalogue, and somebody who sends folders to it as the CLI does. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { sendFolder } from '../../../api/transfer/send.ts'
import type { PushRequest, PushView, RepositoryView } from '../../../api/wire.ts'
import { openTestApp, type TestApp, type TestOptions, tempFolder } from '../open.ts'
import { channelTo, type Headers, openUpload, writeFolder } from '../sending.ts'

export interface Answer<T> {
  readonly status: number
  readonly body: T
}

export type Files = Record<string, string>

export interface Shelf extends TestApp {
  readonly base: string
  call<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Headers,
  ): Promise<Answer<T>>
  /** The answer's body; fails with it when it is a refusal. */
  ask<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** Sends the files; answers the body of a push of them. */
  sent(kind: 'data' | 'model', folder: string, files: Files, ws?: string): Promise<PushRequest>
  push(
    folder: string,
    files: Files,
    more?: Partial<PushRequest>,
    ws?: string,
  ): Promise<Answer<PushView>>
}

export async function openShelf(t: TestContext, options: TestOptions = {}): Promise<Shelf> {
  const server = await openTestApp(t, options)
  const base = await server.listen()
  const call: Shelf['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  const ask: Shelf['ask'] = async (method, path, body) => {
    const answer = await call(method, path, body)
    assert.ok(answer.status < 300, `${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body as never
  }
  const sent: Shelf['sent'] = async (kind, name, files, ws = 'mnist') => {
    const folder = join(await tempFolder(t), 'sent')
    await writeFolder(folder, files)
    const upload = await openUpload(base, ws)
    const { tree } = await sendFolder(folder, channelTo(base, ws, upload))
    return { upload, kind, folder: name, tree }
  }
  await ask('POST', '/workspaces', { name: 'mnist' })
  return {
    ...server,
    base,
    call,
    ask,
    sent,
    async push(folder, files, more = {}, ws = 'mnist') {
      const request = await sent(more.kind ?? 'data', folder, files, ws)
      return call('POST', `/workspaces/${ws}/repositories`, { ...request, ...more })
    },
  }
}

/** The statements of the ledger from a number on, as it keeps them. */
export async function statementsFrom({ parts }: Shelf, from: number) {
  const entries = await parts.ledger.log(from, 1000)
  return entries.map(({ payload }) => JSON.parse(payload ?? '{}'))
}

export async function sizeOf({ parts }: Shelf): Promise<number> {
  return (await parts.ledger.head()).size
}

export async function tagsOf({ ask }: Shelf, repository: string) {
  const view = await ask<RepositoryView>('GET', `/workspaces/mnist/repositories/${repository}`)
  return view.tags.map(one => [one.tag, one.version])
}
