import assert from 'node:assert/strict'
import test from 'node:test'
import {
  type Answer,
  codeOf,
  type Descriptor,
  digestOf,
  IMAGE,
  INDEX,
  openRegistry,
  type TestRegistry,
} from './client.ts'

const EMPTY = 'application/vnd.oci.empty.v1+json'

test('a manifest lists what was pushed with it as subject', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)

  const signature = await refer(registry, subject, { artifactType: 'application/x.sig' })
  const image = await refer(registry, subject, {})
  const index = await registry.manifest(
    'mnist/app',
    undefined,
    { schemaVersion: 2, mediaType: INDEX, manifests: [], subject },
    INDEX,
  )
  const answer = await registry.call('GET', pathOf(subject))

  assert.equal(signature.answer.headers['oci-subject'], subject.digest)
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.headers['content-type'], INDEX)
  const { schemaVersion, mediaType } = answer.json()
  assert.deepEqual([schemaVersion, mediaType], [2, INDEX])
  const annotations = { note: 'n' }
  const expected = [
    {
      ...{ mediaType: IMAGE, digest: signature.digest, size: signature.size, annotations },
      artifactType: 'application/x.sig',
    },
    // An image without a type of its own has that of its config, an index has none.
    {
      ...{ mediaType: IMAGE, digest: image.digest, size: image.size, annotations },
      artifactType: EMPTY,
    },
    { mediaType: INDEX, digest: index.digest, size: index.size },
  ]
  assert.deepEqual(sorted(listed(answer)), sorted(expected))
})

test('referrers are there before their subject, and an unknown digest has none', async t => {
  const registry = await openRegistry(t)
  const subject = { mediaType: IMAGE, digest: digestOf('not yet here'), size: 12 }

  const early = await refer(registry, subject, {})
  const unknown = await registry.call('GET', pathOf({ digest: digestOf('unknown') }))
  const nowhere = await registry.call('GET', `/v2/mnist/nothing/referrers/${subject.digest}`)
  const wrong = await registry.call('GET', '/v2/mnist/app/referrers/sha256:abc')

  assert.equal(early.answer.statusCode, 201)
  assert.deepEqual(digestsIn(await registry.call('GET', pathOf(subject))), [early.digest])
  assert.deepEqual([unknown.statusCode, listed(unknown)], [200, []])
  assert.deepEqual([nowhere.statusCode, listed(nowhere)], [200, []])
  assert.deepEqual([wrong.statusCode, codeOf(wrong)], [400, 'DIGEST_INVALID'])
})

test('referrers can be asked for by their type', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)
  const signature = await refer(registry, subject, { artifactType: 'application/x.sig' })
  await refer(registry, subject, { artifactType: 'application/x.sbom' })

  const some = await registry.call('GET', `${pathOf(subject)}?artifactType=application%2Fx.sig`)
  const none = await registry.call('GET', `${pathOf(subject)}?artifactType=application/y`)

  assert.equal(some.headers['oci-filters-applied'], 'artifactType')
  assert.deepEqual(digestsIn(some), [signature.digest])
  assert.deepEqual([none.statusCode, listed(none)], [200, []])
})

test('many referrers come in pages, each an index', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)
  const all: string[] = []
  for (let i = 0; i < 130; i++) {
    const artifactType = i % 10 === 0 ? 'application/x.rare' : 'application/x.usual'
    all.push((await refer(registry, subject, { artifactType, annotations: { i: `${i}` } })).digest)
  }

  const first = await registry.call('GET', pathOf(subject))
  const next = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link))?.[1]
  const second = await registry.call('GET', String(next))
  const rare = await registry.call('GET', `${pathOf(subject)}?artifactType=application/x.rare`)

  assert.equal(listed(first).length, 100)
  assert.equal(second.headers.link, undefined)
  assert.deepEqual([...digestsIn(first), ...digestsIn(second)].sort(), all.sort())
  assert.deepEqual([listed(rare).length, rare.headers.link], [13, undefined])
})

test('what an older client listed in its tag is listed as well, once', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)
  const pushed = await refer(registry, subject, { artifactType: 'application/x.new' })
  const old = await registry.image('mnist/app', undefined)
  const descriptor = { mediaType: IMAGE, digest: old.digest, size: old.size, artifactType: 'a/old' }
  const twice = { mediaType: IMAGE, digest: pushed.digest, size: pushed.size }
  const tag = subject.digest.replace(':', '-')
  const fallback = { schemaVersion: 2, mediaType: INDEX, manifests: [descriptor, twice] }
  assert.equal((await registry.manifest('mnist/app', tag, fallback, INDEX)).answer.statusCode, 201)

  const answer = await registry.call('GET', pathOf(subject))
  const filtered = await registry.call('GET', `${pathOf(subject)}?artifactType=a/old`)

  assert.deepEqual(digestsIn(answer).sort(), [old.digest, pushed.digest].sort())
  assert.deepEqual(listed(filtered), [descriptor])
})

test('a referrer that is deleted is no longer listed, one whose subject is deleted is', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)
  const kept = await refer(registry, subject, { artifactType: 'application/x.kept' })
  const gone = await refer(registry, subject, { artifactType: 'application/x.gone' })

  await registry.call('DELETE', `/v2/mnist/app/manifests/${gone.digest}`)
  await registry.call('DELETE', `/v2/mnist/app/manifests/${subject.digest}`)

  assert.deepEqual(digestsIn(await registry.call('GET', pathOf(subject))), [kept.digest])
})

test('referrers are those of one repository', async t => {
  const registry = await openRegistry(t)
  const subject = await subjectIn(registry)
  await refer(registry, subject, {})

  const answer = await registry.call('GET', `/v2/mnist/other/referrers/${subject.digest}`)

  assert.deepEqual(listed(answer), [])
})

type Subject = Pick<Descriptor, 'mediaType' | 'digest' | 'size'>

async function subjectIn({ image }: TestRegistry): Promise<Subject> {
  const { mediaType, digest, size } = await image('mnist/app', 'v1')
  return { mediaType, digest, size }
}

async function refer({ blob, manifest }: TestRegistry, subject: Subject, extra: object) {
  const config = await blob('mnist/app', '{}', EMPTY)
  const annotations = { note: 'n' }
  const content = { schemaVersion: 2, mediaType: IMAGE, config, layers: [], subject, annotations }
  return manifest('mnist/app', undefined, { ...content, ...extra })
}

function pathOf({ digest }: { digest: string }): string {
  return `/v2/mnist/app/referrers/${digest}`
}

function listed(answer: Answer): Descriptor[] {
  return answer.json().manifests
}

function digestsIn(answer: Answer): string[] {
  return listed(answer).map(one => one.digest)
}

function sorted<T extends { digest: string }>(all: readonly T[]): T[] {
  return all.toSorted((a, b) => (a.digest < b.digest ? -1 : 1))
}
