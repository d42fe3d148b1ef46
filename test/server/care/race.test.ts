import assert from 'node:assert/strict'
import test from 'node:test'
import type { Digest } from '../../../api/digest.ts'
import { KaosError } from '../../../api/errors.ts'
import type { GcRun } from '../../../api/wire.ts'
import type { Expectation, Ledger, Node } from '../../../graph/ledger.ts'
import { openMemoryStore } from '../../../store/memory.ts'
import type { Store } from '../../../store/store.ts'
import { openScene, type Scene } from './scene.ts'

const FILES = { 'a.csv': '1,2', 'large.bin': Buffer.alloc(60_000, 'x') }

/** Does something when content has just been condemned, or is about to be. */
function whileCondemning(store: Store, moments: { before?(): unknown; after?(): unknown }): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name !== 'condemn') {
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
      return async (digests: Iterable<Digest>) => {
        await moments.before?.()
        const condemned = await target.condemn(digests)
        await moments.after?.()
        return condemned
      }
    },
  })
}

/** A ledger that lets a commit pass although a collection went between. */
function withoutEpoch(ledger: Ledger): Ledger {
  const isEpoch = (one: Expectation) => 'record' in one && one.record === 'gc/epoch'
  return {
    ...ledger,
    commit: commit =>
      ledger.commit({ ...commit, expect: (commit.expect ?? []).filter(one => !isEpoch(one)) }),
  }
}

/** A ledger in whose log a second look finds nothing. */
function withoutLog(ledger: Ledger): Ledger {
  return { ...ledger, log: async () => [] }
}

/** A removed version, and its entity. */
async function removedVersion(scene: Scene): Promise<Node> {
  const { version } = await scene.push('features', FILES)
  await scene.remove('features', 1)
  return (await scene.parts.ledger.node(version.entity))!
}

/** Finds content, lets a collection go between, and only then makes a fact of it. */
async function useLate(scene: Scene, { id, digest, workspace }: Node): Promise<number> {
  const { intake, store, ledger, people } = scene.parts
  let turns = 0
  await intake.relying(async expect => {
    turns++
    const [here] = await store.has([digest!])
    if (!here) throw new KaosError('NOT_FOUND', 'it is not here any more')
    if (turns === 1) await scene.collect()
    const moves = [{ pointer: `tag/${workspace}/features/late`, target: id }]
    await ledger.commit({
      actor: people.local.id,
      organisation: 'default',
      expect,
      statements: [{ type: 'tag.moved', workspace: workspace!, moves }],
    })
  })
  return turns
}

test('who found content before a collection and commits after it has to look again', async t => {
  const scene = await openScene(t, { store: await openMemoryStore() })
  const node = await removedVersion(scene)

  await assert.rejects(useLate(scene, node), { code: 'NOT_FOUND' })

  assert.deepEqual(await scene.parts.ledger.pointers(`tag/${node.workspace}/`), [])
})

test('without the epoch that commit would pass, and speak of content that is gone', async t => {
  const scene = await openScene(t, { store: await openMemoryStore(), withLedger: withoutEpoch })
  const node = await removedVersion(scene)

  await useLate(scene, node)

  assert.equal((await scene.parts.ledger.pointers(`tag/${node.workspace}/`)).length, 1)
  assert.equal((await scene.fsck()).state, 'damaged')
})

/** A version is removed; while it is being condemned it becomes a version again. */
async function renamedMeanwhile(t: test.TestContext, withLedger?: (ledger: Ledger) => Ledger) {
  let again: () => Promise<unknown> = async () => {}
  const store = whileCondemning(await openMemoryStore(), { after: () => again() })
  const scene = await openScene(t, { store, ...(withLedger && { withLedger }) })
  const node = await removedVersion(scene)
  const { ledger, people } = scene.parts
  again = () =>
    ledger.commit({
      actor: people.local.id,
      organisation: 'default',
      statements: [
        {
          type: 'tag.moved',
          workspace: node.workspace!,
          moves: [{ pointer: `tag/${node.workspace}/features/again`, target: node.id }],
        },
      ],
    })
  const run: GcRun = await scene.collect()
  return { scene, node, run }
}

test('what is named again between the condemnation and the second look is spared', async t => {
  const { scene, node, run } = await renamedMeanwhile(t)

  assert.equal(run.going.objects, 0)
  assert.ok(run.spared > 0)
  assert.equal(await scene.content(node.id), 200)
})

test('without the second look it would be gone', async t => {
  const { scene } = await renamedMeanwhile(t, withoutLog)

  assert.equal((await scene.fsck()).state, 'damaged')
})

test('bytes that are sent again while their old copy is condemned stay', async t => {
  let again: () => Promise<unknown> = async () => {}
  const store = whileCondemning(await openMemoryStore(), { after: () => again() })
  const scene = await openScene(t, { store })
  await removedVersion(scene)
  let entity = ''
  again = async () => {
    again = async () => {}
    entity = (await scene.push('again', FILES)).version.entity
  }

  await scene.collect()

  assert.equal(await scene.content(entity), 200)
  assert.equal((await scene.fsck()).state, 'clean')
})

test('a collection that fails before it removes leaves everything living', async t => {
  const withLedger = (ledger: Ledger): Ledger => ({
    ...ledger,
    async commit(commit) {
      if (commit.records?.some(record => record.key === 'gc/epoch')) throw new Error('no ledger')
      return ledger.commit(commit)
    },
  })
  const scene = await openScene(t, { store: await openMemoryStore(), withLedger })
  const node = await removedVersion(scene)

  const run = await scene.collect()

  assert.equal(run.state, 'failed')
  assert.equal(await scene.content(node.id), 200)
  assert.ok((await scene.parts.store.has([node.digest!])).includes(true))
})

test('a tag cannot be put on a version that was removed and collected', async t => {
  const scene = await openScene(t, { store: await openMemoryStore() })
  const node = await removedVersion(scene)
  await scene.collect()

  const answer = await scene.call<{ code: string; detail: string }>(
    'POST',
    '/workspaces/mnist/repositories/features/tags',
    { reference: node.id, kind: 'data', tags: ['v1'] },
  )

  assert.equal(answer.status, 404)
  assert.match(answer.body.detail, /content of data features:\w+ is no longer here/)
})

test('a training on a version that was removed and collected is refused', async t => {
  const scene = await openScene(t, { store: await openMemoryStore() })
  const node = await removedVersion(scene)
  await scene.collect()

  const answer = await scene.call<{ detail: string }>('POST', '/workspaces/mnist/train', {
    data: node.id,
  })

  assert.equal(answer.status, 404)
  assert.match(answer.body.detail, /is no longer here/)
})
