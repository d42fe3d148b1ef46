import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import type { SearchView } from '../../../api/wire.ts'
import { openScripted, type Scripted } from '../jobs/scripted.ts'
import { pushed, trained } from './trained.ts'

async function opened(t: TestContext): Promise<Scripted> {
  const server = await openScripted(t)
  await server.workspace()
  return server
}

function search(server: Scripted, query: string): Promise<SearchView> {
  return server.ask('GET', `/workspaces/mnist/provenance/search?${query}`)
}

const ids = ({ results }: SearchView) => results.map(one => one.id)

test('models are found by bounds of their metrics, newest first', async t => {
  const server = await opened(t)
  const poor = await trained(server, { metrics: { accuracy: 0.7, loss: 0.5 } })
  const good = await trained(server, { metrics: { accuracy: 0.9, loss: 0.4 } })
  const best = await trained(server, { metrics: { accuracy: 0.99, loss: 0.1 } })

  const above = await search(server, 'kind=model&metric=accuracy>0.8')
  const both = await search(server, 'kind=model&metric=accuracy>0.8&metric=loss<=0.1')
  const exact = await search(server, 'metric=accuracy=0.7')
  const none = await search(server, 'metric=f1>0')
  const bad = await server.call('GET', '/workspaces/mnist/provenance/search?metric=accuracy')

  assert.deepEqual(ids(above), [best.model.entity, good.model.entity])
  assert.deepEqual(ids(both), [best.model.entity])
  assert.deepEqual(ids(exact), [poor.model.entity])
  assert.deepEqual(ids(none), [])
  assert.match(bad.json().detail, /give one like accuracy>0.9/)
})

test('things are found by kind, text, tag, author and time', async t => {
  const server = await opened(t)
  const { model, data, job } = await trained(server)
  const then = new Date(server.test.clock.now).toISOString()
  server.test.clock.now += 3600_000
  await pushed(server, 'data', 'points', { 'p.csv': '1' }, { tags: ['clean'] })

  const byText = await search(server, 'text=FEATURES')
  const byTag = await search(server, 'tag=clean')
  const byWholeTag = await search(server, 'tag=points:clean')
  const byAuthor = await search(server, 'kind=train&author=tester')
  const byOther = await search(server, 'author=nobody')
  const before = await search(server, `kind=data,model&until=${then}`)
  const after = await search(
    server,
    `kind=data&since=${new Date(server.test.clock.now).toISOString()}`,
  )

  assert.deepEqual(ids(byText), [data.id])
  assert.deepEqual(
    byTag.results.map(one => [one.name, one.tags]),
    [['points@v1', ['points:clean']]],
  )
  assert.deepEqual(ids(byWholeTag), ids(byTag))
  assert.deepEqual(ids(byAuthor), [job])
  assert.deepEqual(ids(byOther), [])
  assert.deepEqual(ids(before), [model.entity, data.id])
  assert.ok(after.results.some(one => one.name === 'points@v1'))
  assert.ok(!ids(after).includes(data.id))
})

test('a page names where to go on, across kinds', async t => {
  const server = await opened(t)
  await trained(server, { hyperparams: { degree: [1, 2, 3] } })
  await trained(server, { data: { 'b.csv': '2' } })

  const whole = await search(server, '')
  const pages: string[] = []
  let next: string | null = null
  do {
    const page: SearchView = await search(
      server,
      `limit=2${next === null ? '' : `&cursor=${next}`}`,
    )
    pages.push(...ids(page))
    next = page.next
  } while (next !== null)
  const bad = await server.call('GET', '/workspaces/mnist/provenance/search?cursor=%7B')

  assert.deepEqual(pages, ids(whole))
  assert.ok(whole.results.length >= 8)
  assert.equal(bad.statusCode, 400)
})
