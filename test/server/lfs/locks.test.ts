import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { bearer, openRemotes, type Remotes } from '../remotes.ts'
import type { Headers } from '../sending.ts'

interface Lock {
  id: string
  path: string
  locked_at: string
  owner: { name: string }
}
interface Told {
  lock?: Lock
  locks?: Lock[]
  ours?: Lock[]
  theirs?: Lock[]
  next_cursor?: string
  message?: string
}

interface People extends Remotes {
  readonly ann: Headers
  readonly bob: Headers
  readonly maintainer: Headers
}

async function open(t: TestContext): Promise<People> {
  const server = await openRemotes(t, { settings: { local: false } })
  const ann = bearer(await server.tokenOf('contributor'))
  const bob = bearer(await server.tokenOf('contributor'))
  return { ...server, ann, bob, maintainer: bearer(await server.tokenOf('maintainer')) }
}

async function ask(
  { base }: Remotes,
  headers: Headers,
  path: string,
  body?: object,
): Promise<{ status: number; told: Told }> {
  const type = { 'content-type': 'application/vnd.git-lfs+json' }
  const answer = await fetch(`${base}/lfs/mnist/art/locks${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { ...headers, ...type },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, told: (await answer.json()) as Told }
}

async function factsOf({ parts }: Remotes): Promise<string[]> {
  const log = await parts.ledger.log(0, 1000)
  const all = log.map(({ payload }) => JSON.parse(payload ?? '{}') as { type: string })
  return all.map(one => one.type).filter(type => type.startsWith('lfs.'))
}

test('a path has one lock; the second asks in vain and is told whose it is', async t => {
  const server = await open(t)

  const first = await ask(server, server.ann, '', { path: 'a.bin', ref: { name: 'main' } })
  const second = await ask(server, server.bob, '', { path: 'a.bin' })
  const own = await ask(server, server.ann, '', { path: 'a.bin' })

  assert.equal(first.status, 201)
  assert.equal(first.told.lock?.path, 'a.bin')
  assert.match(first.told.lock?.locked_at ?? '', /^\d{4}-\d\d-\d\dT/)
  assert.equal(second.status, 409)
  assert.deepEqual(second.told.lock, first.told.lock)
  assert.match(second.told.message ?? '', /locked already/)
  assert.equal(own.status, 409)
})

test('of many who lock the same path at once, one has it', async t => {
  const server = await open(t)

  const asked = Array.from({ length: 8 }, () => ask(server, server.ann, '', { path: 'a.bin' }))
  const statuses = (await Promise.all(asked)).map(answer => answer.status)
  const facts = await factsOf(server)

  assert.equal(statuses.filter(status => status === 201).length, 1)
  assert.deepEqual(facts, ['lfs.locked'])
})

test('locks are listed in pages, by path and by id', async t => {
  const server = await open(t)
  for (const path of ['a', 'b', 'c']) {
    server.clock.now += 1
    await ask(server, server.ann, '', { path })
  }

  const all = await ask(server, server.bob, '')
  const first = await ask(server, server.bob, '?limit=2')
  const rest = await ask(server, server.bob, `?limit=2&cursor=${first.told.next_cursor}`)
  const byPath = await ask(server, server.bob, '?path=b')
  const byId = await ask(server, server.bob, `?id=${all.told.locks?.[2]?.id}`)
  const none = await ask(server, server.bob, '?path=z')

  const paths = ({ told }: { told: Told }) => told.locks?.map(lock => lock.path)
  assert.deepEqual(paths(all), ['a', 'b', 'c'])
  assert.deepEqual([paths(first), paths(rest)], [['a', 'b'], ['c']])
  assert.equal(rest.told.next_cursor, undefined)
  assert.deepEqual([paths(byPath), paths(byId), paths(none)], [['b'], ['c'], []])
})

test('before a push each learns which locks are theirs', async t => {
  const server = await open(t)
  await ask(server, server.ann, '', { path: 'a' })
  await ask(server, server.bob, '', { path: 'b' })

  const { told } = await ask(server, server.ann, '/verify', { ref: { name: 'main' } })

  assert.deepEqual(
    told.ours?.map(lock => lock.path),
    ['a'],
  )
  assert.deepEqual(
    told.theirs?.map(lock => lock.path),
    ['b'],
  )
})

test("a lock is its owner's to take away, and by force a maintainer's", async t => {
  const server = await open(t)
  const locked = await ask(server, server.ann, '', { path: 'a.bin' })
  const unlock = `/${locked.told.lock?.id}/unlock`

  const others = await ask(server, server.bob, unlock, {})
  const forced = await ask(server, server.bob, unlock, { force: true })
  const owners = await ask(server, server.ann, unlock, {})
  const again = await ask(server, server.ann, unlock, {})
  const second = await ask(server, server.ann, '', { path: 'a.bin' })
  const maintainers = await ask(server, server.maintainer, `/${second.told.lock?.id}/unlock`, {
    force: true,
  })

  assert.deepEqual([others.status, forced.status], [403, 403])
  assert.deepEqual([owners.status, again.status], [200, 404])
  assert.equal(maintainers.status, 200)
  assert.deepEqual(maintainers.told.lock, second.told.lock)
  const facts = await factsOf(server)
  assert.deepEqual(facts, ['lfs.locked', 'lfs.unlocked', 'lfs.locked', 'lfs.unlocked'])
})

test('a lock needs a path', async t => {
  const server = await open(t)

  const answers = [
    await ask(server, server.ann, '', {}),
    await ask(server, server.ann, '', { path: '' }),
    await ask(server, server.ann, '', { path: 'a\0b' }),
  ]

  assert.deepEqual(
    answers.map(answer => answer.status),
    [400, 400, 400],
  )
})
