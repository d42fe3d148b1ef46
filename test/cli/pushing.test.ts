import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { KaosError } from '../../api/errors.ts'
import { type Pushed, type PushOptions, pushFolder } from '../../cli/bundles.ts'
import { Client } from '../../cli/client.ts'
import { PushedFolder } from '../../cli/pushed.ts'
import { play, type Seen, sendJson, sendProblem, temporary } from './played-server.ts'

type Refuse = (seen: Seen) => { status: number; code: string } | undefined

/** A folder with 20,000 bytes, and a server that has nothing, takes all, and refuses what it is told. */
async function begun(t: TestContext, refuse: Refuse = () => undefined) {
  const home = temporary(t)
  const [folder, cacheHome] = [join(home, 'folder'), join(home, 'cache')]
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), 'x'.repeat(20_000))
  let uploads = 0
  const { url, seen } = await play(t, (one, response) => {
    const refusal = refuse(one)
    if (refusal) sendProblem(response, refusal.status, refusal.code, 'no')
    else if (one.url.endsWith('/uploads')) sendJson(response, { upload: `u${++uploads}` }, 201)
    else if (one.url.endsWith('/have')) response.end(Buffer.alloc(one.body.length / 32))
    else sendJson(response, { objects: 1 })
  })
  const client = new Client(url, undefined)
  const push = (
    keep: (pushed: Pushed) => Promise<unknown> = async () => 'kept',
    options: Partial<PushOptions> = {},
  ) => {
    const all = { label: 'Sending', shown: undefined, cacheHome, ...options }
    return pushFolder(client, '/workspaces/w', folder, all, keep)
  }
  const calls = () => seen.splice(0).map(({ method, url }) => `${method} ${url.slice(20)}`)
  return { folder, cacheHome, push, calls }
}

const SENT = ['POST /uploads/u1/have', 'POST /uploads/u1/objects']
const missing = new KaosError('BAD_REQUEST', 'is missing', { detail: { digest: 'sha256:x' } })

describe('a folder that is pushed', () => {
  it('is sent under an upload, which ends when something was made of it', async t => {
    const { push, calls } = await begun(t)
    const uploads: string[] = []

    const kept = await push(async ({ upload, files, bytes }) => {
      uploads.push(upload)
      return { files, bytes }
    })

    assert.deepEqual(kept, { files: 1, bytes: 20_000 })
    assert.deepEqual(uploads, ['u1'])
    assert.deepEqual(calls(), ['POST /uploads', ...SENT, 'DELETE /uploads/u1'])
  })

  it('goes on under the same upload after it was interrupted', async t => {
    const { push, calls } = await begun(t)
    const lost = async () => {
      throw new KaosError('INTERNAL', 'lost')
    }
    await assert.rejects(push(lost), { code: 'INTERNAL' })
    calls()

    await push()
    const second = calls()
    await push()

    assert.ok(!second.includes('POST /uploads'))
    assert.equal(second.at(-1), 'DELETE /uploads/u1')
    assert.equal(calls()[0], 'POST /uploads')
  })

  it('begins anew when the server has forgotten the upload', async t => {
    let forgotten = false
    const { push, calls } = await begun(t, ({ url }) => {
      if (forgotten && url.includes('/u1/')) return { status: 404, code: 'UPLOAD_NOT_FOUND' }
      return undefined
    })
    await assert.rejects(push(() => Promise.reject(new Error('interrupted'))))
    calls()
    forgotten = true

    await push()

    assert.deepEqual(calls().slice(0, 2), [SENT[0], 'POST /uploads'])
  })

  it('is sent whole once more when the server lacks something of it', async t => {
    const { push, calls } = await begun(t)
    const rounds: Pushed[] = []

    await push(async pushed => {
      if (rounds.push(pushed) === 1) throw missing
    })

    const [first, second] = rounds
    assert.equal(second?.tree, first?.tree)
    assert.equal(second?.sentBytes, first?.sentBytes)
    assert.deepEqual(calls(), ['POST /uploads', ...SENT, ...SENT, 'DELETE /uploads/u1'])
  })

  it('is given up when the server lacks something however often it is sent', async t => {
    const { push } = await begun(t)
    let rounds = 0

    const pushing = push(async () => {
      rounds++
      throw missing
    })

    await assert.rejects(pushing, { code: 'BAD_REQUEST' })
    assert.equal(rounds, 3)
  })

  it('is not sent once more for another error', async t => {
    const { push } = await begun(t)
    let rounds = 0

    const pushing = push(async () => {
      rounds++
      throw new KaosError('BAD_REQUEST', 'wrong name')
    })

    await assert.rejects(pushing, { message: 'wrong name' })
    assert.equal(rounds, 1)
  })

  it('leaves nothing where nothing is to be remembered', async t => {
    const { push, cacheHome } = await begun(t)

    await push(undefined, { cacheHome: undefined })

    assert.equal(existsSync(cacheHome), false)
  })

  it('is pushed although nothing can be remembered of it', async t => {
    const { push, cacheHome } = await begun(t)
    writeFileSync(cacheHome, 'a file is in the way')

    assert.equal(await push(), 'kept')
  })
})

describe('what is remembered of pushed folders', () => {
  it('is told apart by folder, server and workspace', t => {
    const [home, folder, other] = [temporary(t), temporary(t), temporary(t)]
    const here = new PushedFolder(home, folder, 'server w')

    here.upload = 'u1'

    assert.equal(new PushedFolder(home, folder, 'server w').upload, 'u1')
    assert.equal(new PushedFolder(home, folder, 'server v').upload, undefined)
    assert.equal(new PushedFolder(home, other, 'server w').upload, undefined)
    assert.equal(new PushedFolder(home, folder, 'server v').stats, here.stats)
    assert.notEqual(new PushedFolder(home, other, 'server w').stats, here.stats)
    here.upload = undefined
    assert.equal(new PushedFolder(home, folder, 'server w').upload, undefined)
  })

  it('has a bound', t => {
    const [home, folder] = [temporary(t), temporary(t)]

    for (let i = 0; i < 130; i++) new PushedFolder(home, folder, `server ${i}`).upload = 'u'

    const left = readdirSync(join(home, 'kaos', 'pushed')).length
    assert.ok(left <= 101, `${left} files`)
  })
})
