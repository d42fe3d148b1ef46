import assert from 'node:assert/strict'
import test from 'node:test'
import { codeOf, makeWorkspace, openRegistry, type TestRegistry } from './client.ts'

test('tags are listed in the order of their bytes, of this repository alone', async t => {
  const { image, call } = await openRegistry(t)
  for (const tag of ['b', 'A', 'a.1', '_x', 'a', 'B-2']) await image('mnist/app', tag)
  await image('mnist/app/below', 'z')

  const answer = await call('GET', '/v2/mnist/app/tags/list')

  assert.equal(answer.statusCode, 200)
  const tags = ['A', 'B-2', '_x', 'a', 'a.1', 'b']
  assert.deepEqual(answer.json(), { name: 'mnist/app', tags })
  assert.equal(answer.headers.link, undefined)
})

test('tags come a page at a time, behind a last one that need not exist', async t => {
  const { image, call } = await openRegistry(t)
  for (const tag of ['a', 'b', 'c', 'd', 'e']) await image('mnist/app', tag)

  const pages = await pagesOf({ call }, '/v2/mnist/app/tags/list?n=2')
  const behind = await call('GET', '/v2/mnist/app/tags/list?last=bb')
  const one = await call('GET', '/v2/mnist/app/tags/list?n=1&last=c')
  const none = await call('GET', '/v2/mnist/app/tags/list?n=0')
  const all = await call('GET', '/v2/mnist/app/tags/list?n=5')
  const wrong = await call('GET', '/v2/mnist/app/tags/list?n=-1')

  assert.deepEqual(
    pages.map(page => page.tags),
    [['a', 'b'], ['c', 'd'], ['e']],
  )
  assert.deepEqual(behind.json().tags, ['c', 'd', 'e'])
  assert.deepEqual(one.json().tags, ['d'])
  assert.deepEqual([none.json().tags, none.headers.link], [[], undefined])
  assert.equal(all.headers.link, undefined)
  assert.equal(wrong.statusCode, 400)
})

test('a repository without tags has an empty list, one that is not there none', async t => {
  const { image, call } = await openRegistry(t)
  await image('mnist/app', undefined)

  const empty = await call('GET', '/v2/mnist/app/tags/list')
  const unknown = await call('GET', '/v2/mnist/other/tags/list')

  assert.deepEqual(empty.json(), { name: 'mnist/app', tags: [] })
  assert.deepEqual([unknown.statusCode, codeOf(unknown)], [404, 'NAME_UNKNOWN'])
})

test('repositories of all workspaces are listed, in pages as well', async t => {
  const { image, call } = await openRegistry(t)
  await makeWorkspace({ call }, 'digits')
  for (const name of ['mnist/b', 'mnist/a', 'mnist/a/x', 'mnist/a-b', 'digits/z']) {
    await image(name, 'v1')
  }
  await image('mnist/untagged', undefined)

  const answer = await call('GET', '/v2/_catalog')
  const pages = await pagesOf({ call }, '/v2/_catalog?n=2')
  const none = await call('GET', '/v2/_catalog?n=0')

  const all = ['digits/z', 'mnist/a', 'mnist/a-b', 'mnist/a/x', 'mnist/b', 'mnist/untagged']
  assert.deepEqual(answer.json(), { repositories: all })
  assert.deepEqual(
    pages.flatMap(page => page.repositories),
    all,
  )
  assert.deepEqual([none.json().repositories, none.headers.link], [[], undefined])
})

test('a repository is listed as long as there is something in it', async t => {
  const { image, call } = await openRegistry(t)
  const { digest } = await image('mnist/app', 'v1')

  await call('DELETE', `/v2/mnist/app/manifests/${digest}`)

  assert.deepEqual((await call('GET', '/v2/_catalog')).json(), { repositories: [] })
})

test('extensions can be asked for, of the registry and of a repository', async t => {
  const { call } = await openRegistry(t)

  for (const path of ['/v2/_oci/ext/discover', '/v2/mnist/app/_oci/ext/discover']) {
    const answer = await call('GET', path)
    assert.deepEqual([answer.statusCode, answer.json()], [200, { extensions: [] }])
  }
})

interface Page {
  readonly tags: string[]
  readonly repositories: string[]
}

/** Follows the links. */
async function pagesOf({ call }: Pick<TestRegistry, 'call'>, path: string): Promise<Page[]> {
  const pages: Page[] = []
  for (let next: string | undefined = path; next !== undefined; ) {
    const answer = await call('GET', next)
    pages.push(answer.json())
    next = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  return pages
}
