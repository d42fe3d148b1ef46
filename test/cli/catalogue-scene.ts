/* A played server with a catalogue, and the kaos command connected to it. */
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { EMPTY_TREE } from '../../api/tree.ts'
import type { EntityView, PushView, VersionView } from '../../api/wire.ts'
import {
  connected,
  kaosIn,
  LOCAL,
  play,
  type Seen,
  sendJson,
  sendProblem,
  temporary,
} from './played-server.ts'

const SERVER = { ...LOCAL, installation: 'a'.repeat(32) }
const BASE = '/api/v1/workspaces/mnist'
export const TREE = EMPTY_TREE
export const VERSION: VersionView = {
  repository: 'features',
  version: 3,
  reference: 'features@v3',
  kind: 'data',
  entity: '1'.repeat(32),
  name: 'features:9fd9d',
  tree: TREE,
  files: 3,
  bytes: 1_200_000,
  tags: ['clean'],
  author: 'jfriedman',
  at: '2026-01-02T03:04:05.000Z',
  message: 'without outliers',
  origin: {
    how: 'pushed',
    job: null,
    from: [{ entity: '0'.repeat(32), kind: 'data', reference: 'features@v2', role: 'revision' }],
  },
}
export const ENTITY: EntityView = {
  reference: 'features@v3',
  kind: 'data',
  entity: VERSION.entity,
  name: VERSION.name,
  folder: 'features',
  tree: TREE,
  files: 3,
  bytes: 1_200_000,
  author: 'jfriedman',
  at: VERSION.at,
  message: 'without outliers',
  metrics: {},
  origin: VERSION.origin,
  places: [
    { repository: 'features', version: 3, tags: ['clean'], address: 'host/mnist/features:clean' },
  ],
  about: {
    title: 'Digits',
    description: '',
    licence: 'CC0-1.0',
    keywords: ['a', 'b'],
    author: 'x',
    at: VERSION.at,
  },
  card: '---\nlicense: x\n---\n# Digits\n\nSee [the paper](https://example.com) for **all**.\x1b[31m\n',
}
export const PUSHED: PushView = {
  version: VERSION,
  unchanged: false,
  moved: ['clean'],
  warnings: [],
}

type Answers = Record<string, unknown | ((seen: Seen) => unknown)>

/** A server that knows these calls (`POST /repositories`; `GET content` for any) and 404 for the rest; the command in a
 * folder that is connected to it, with a home of its own. */
export async function scene(t: TestContext, answers: Answers, input = '') {
  const { url, seen } = await play(t, (call, response) => {
    const path = call.url.replace(BASE, '')
    if (call.url === '/api/v1/workspaces')
      return sendJson(response, { workspaces: [{ name: 'mnist' }] })
    if (call.url === '/api/v1/server') return sendJson(response, SERVER)
    if (path.endsWith('/have')) return response.end(Buffer.alloc(call.body.length / 32, 1))
    if (path.includes('/content')) return response.end(answers['GET content'])
    const answer =
      answers[`${call.method} ${path}`] ?? answers[`${call.method} ${path.split('?')[0]}`]
    if (answer === undefined) return sendProblem(response, 404, 'NOT_FOUND', `nothing at ${path}`)
    return sendJson(response, typeof answer === 'function' ? answer(call) : answer)
  })
  const folder = connected(t, url)
  const home = temporary(t)
  const env = {
    XDG_STATE_HOME: join(home, 'state'),
    XDG_CACHE_HOME: join(home, 'cache'),
    TZ: 'UTC',
  }
  const bodies = (call: string) =>
    seen
      .filter(({ method, url }) => `${method} ${url.replace(BASE, '')}` === call)
      .map(({ body }) => (body.length === 0 ? null : JSON.parse(body.toString())))
  return { kaos: kaosIn(folder, env, input), folder, seen, bodies, home }
}

export const UPLOADS = { 'POST /uploads': { upload: 'u1', expiresAt: VERSION.at } }
