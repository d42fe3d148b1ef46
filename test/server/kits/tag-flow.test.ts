/* The life of a project as the KitOps team tells it: two repositories, one with the customers' data and
 * one that is safe, tags that say where the project stands, moved with plain kit. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { TagHistory } from '../../../api/wire.ts'
import { openTestApp, type TestApp } from '../open.ts'
import { type Kit, type KitOrder, packKit } from './kit.ts'
import { KitClient } from './kit-client.ts'
import { LEGALCHAT, PARTS } from './legalchat.ts'

const FULL = 'legal/legalchat/full'
const SAFE = 'legal/legalchat/safe'
const { model, vocabulary, code, customers, samples } = PARTS

const QA = { kind: 'dataset', name: 'qa', path: 'qa', files: { 'cases.csv': 'a,b\n' } } as const
const APP = { kind: 'code', path: 'app', files: { 'app.py': 'print()\n' } } as const

interface Scene extends TestApp {
  readonly kit: KitClient
}

async function openScene(t: TestContext): Promise<Scene> {
  const opened = await openTestApp(t)
  await opened.app.inject({ method: 'POST', url: '/api/v1/workspaces', payload: { name: 'legal' } })
  return { ...opened, kit: new KitClient(await opened.listen()) }
}

function kitOf(...layers: KitOrder['layers']): Kit {
  return packKit({ ...LEGALCHAT, layers })
}

async function movesOf(
  { app }: Scene,
  repository: string,
  tag: string,
): Promise<TagHistory['moves']> {
  const name = encodeURIComponent(repository.slice('legal/'.length))
  const url = `/api/v1/workspaces/legal/repositories/${name}/tags/${tag}`
  const answer = await app.inject({ method: 'GET', url })
  assert.equal(answer.statusCode, 200, answer.body)
  return (answer.json() as TagHistory).moves
}

async function digests({ kit }: Scene, repository: string): Promise<Record<string, string>> {
  const tags = (await kit.list(repository)).filter(tag => !/^v\d+$/.test(tag))
  const found = tags.map(async tag => [tag, (await kit.pull(repository, tag))!.digest] as const)
  return Object.fromEntries(await Promise.all(found))
}

test('a project goes through its tags in two repositories, one of them without the customers', async t => {
  const scene = await openScene(t)
  const { kit } = scene

  const data = kitOf(customers, samples)
  await kit.push(FULL, 'tuning', data)
  await kit.retag(FULL, 'tuning', FULL, 'validating')
  const trained = kitOf(model, vocabulary, code, customers, samples)
  await kit.push(FULL, 'trained', trained)
  const better = { ...model, files: { '': 'weights 2\n' } }
  const tuned = kitOf(better, vocabulary, code, customers, samples)
  await kit.push(FULL, 'tuned', tuned)
  const safe = kitOf(better, vocabulary, code, samples)
  await kit.push(SAFE, 'tuned', safe)
  const tested = kitOf(better, vocabulary, code, samples, QA)
  await kit.push(SAFE, 'tested', tested)
  const first = kitOf(better, vocabulary, code, APP, samples, QA)
  await kit.push(SAFE, 'integrated', first)
  await kit.retag(SAFE, 'integrated', SAFE, 'challenger')
  await kit.retag(SAFE, 'challenger', SAFE, 'champion')
  const next = kitOf({ ...model, files: { '': 'weights 3\n' } }, vocabulary, code, APP, samples, QA)
  await kit.push(SAFE, 'integrated', next)
  await kit.retag(SAFE, 'integrated', SAFE, 'challenger')
  await kit.retag(SAFE, 'champion', SAFE, 'rollback')
  await kit.retag(SAFE, 'challenger', SAFE, 'champion')
  await kit.retag(SAFE, 'rollback', SAFE, 'retired')

  assert.deepEqual(await digests(scene, FULL), {
    tuning: data.digest,
    validating: data.digest,
    trained: trained.digest,
    tuned: tuned.digest,
  })
  assert.deepEqual(await digests(scene, SAFE), {
    tuned: safe.digest,
    tested: tested.digest,
    integrated: next.digest,
    challenger: next.digest,
    champion: next.digest,
    rollback: first.digest,
    retired: first.digest,
  })
  const [, , , secret] = trained.layers as [string, string, string, string]
  assert.equal(await kit.has(FULL, secret), true)
  assert.equal(await kit.has(SAFE, secret), false)
  const moves = await movesOf(scene, SAFE, 'champion')
  assert.deepEqual(
    moves.map(({ author, from, to }) => [author, from, to]),
    [
      ['tester', 'v3', 'v4'],
      ['tester', null, 'v3'],
    ],
  )
  for (const { at } of moves) assert.match(at, /^\d{4}-\d\d-\d\dT/)
})

test('the same kit under two tags is stored once, and a tag that moves stores nothing', async t => {
  const scene = await openScene(t)
  const { kit, parts } = scene
  await kit.push(SAFE, 'challenger', kitOf(model, vocabulary, code, samples))
  const before = await parts.store.stats()

  await kit.retag(SAFE, 'challenger', SAFE, 'champion')
  await kit.push(SAFE, 'rollback', kitOf(model, vocabulary, code, samples))

  const after = await parts.store.stats()
  assert.deepEqual([after.objects, after.bytes], [before.objects, before.bytes])
})

test('what both repositories hold is stored once', async t => {
  const scene = await openScene(t)
  const { kit, parts } = scene
  const large = { ...model, files: { '': Buffer.alloc(3_000_000, 'weights, again and again; ') } }
  await kit.push(FULL, 'tuned', kitOf(large, code, customers, samples))
  const before = await parts.store.stats()

  await kit.push(SAFE, 'tuned', kitOf(large, code, samples))

  const { bytes } = await parts.store.stats()
  assert.ok(bytes - before.bytes < 20_000, `${bytes - before.bytes} bytes more`)
})

test('each push and each move of a tag is a fact with who and when', async t => {
  const scene = await openScene(t)
  const { ledger } = scene.parts
  await scene.kit.push(SAFE, 'challenger', kitOf(model, samples))
  await scene.kit.retag(SAFE, 'challenger', SAFE, 'champion')

  const log = await ledger.log(0, 1000)
  const facts = log.map(entry => JSON.parse(entry.payload!))
  const moved = facts.filter(fact => fact.type === 'tag.moved').map(fact => fact.detail)
  const [artifact] = moved.map(detail => detail.to)
  const repository = 'legalchat/safe'
  assert.deepEqual(moved, [
    { repository, tag: 'challenger', from: null, to: artifact },
    { repository, tag: 'champion', from: null, to: artifact },
  ])
  for (const { type, actor } of facts) {
    if (type === 'tag.moved') assert.equal(actor, scene.parts.people.local.id)
  }
})

test('a kit that is removed with all its tags is gone from the list, and others stay', async t => {
  const scene = await openScene(t)
  const { kit } = scene
  await kit.push(SAFE, 'champion', kitOf(model, samples))
  await kit.push(SAFE, 'retired', kitOf(code, samples))

  await kit.remove(SAFE, 'retired')

  assert.deepEqual(Object.keys(await digests(scene, SAFE)), ['champion'])
  assert.equal(await kit.pull(SAFE, 'retired'), undefined)
})

test('a kit with what it should not hold is refused as an invalid manifest, and its tag stays away', async t => {
  const scene = await openScene(t)
  const bad = { ...samples, path: 'safe/../../etc' }

  const { status, body } = await scene.kit.refusedPush(SAFE, 'bad', kitOf(bad))

  assert.equal(status, 400)
  assert.match(body, /MANIFEST_INVALID/)
  assert.match(body, /leads out of its folder/)
  assert.equal(await scene.kit.pull(SAFE, 'bad'), undefined)
})
