import assert from 'node:assert/strict'
import test from 'node:test'
import { dvcFolder, md5, openRemotes, placeOf, pushFolder, put } from '../remotes.ts'

const CONTENTS = { 'a.csv': '1,2\n', 'b.csv': 'b' }

async function ask(url: string, method: string, depth?: string): Promise<Response> {
  return fetch(url, { method, ...(depth !== undefined && { headers: { depth } }) })
}

/** What a PROPFIND names, without the address of the remote. */
async function found(url: string, depth?: string): Promise<string[]> {
  const answer = await ask(url, 'PROPFIND', depth)
  assert.equal(answer.status, 207)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/xml/)
  const text = await answer.text()
  return [...text.matchAll(/<D:href>(.*?)<\/D:href>/g)].map(match => match[1] ?? '').toSorted()
}

test('PROPFIND shows a folder alone, with what is in it, or all that is below', async t => {
  const { base } = await openRemotes(t)
  const { files, list } = dvcFolder(CONTENTS)
  await pushFolder(`${base}/dvc/mnist/features`, { files, list })
  const remote = '/dvc/mnist/features'
  const places = [...files.keys(), list.place]

  const alone = await found(`${base}${remote}/files/md5`, '0')
  const unsaid = await found(`${base}${remote}`)
  const shards = await found(`${base}${remote}/files/md5/`, '1')
  const objects = await found(`${base}${remote}/${list.place.slice(0, 12)}`, '1')
  const all = await found(`${base}${remote}`, 'infinity')

  const shardsOf = [...new Set(places.map(place => `${remote}/${place.slice(0, 12)}/`))]
  const folders = [`${remote}/`, `${remote}/files/`, `${remote}/files/md5/`]
  assert.deepEqual(alone, [`${remote}/files/md5/`])
  assert.deepEqual(unsaid, [`${remote}/`])
  assert.deepEqual(shards, [`${remote}/files/md5/`, ...shardsOf].toSorted())
  assert.ok(objects.includes(`${remote}/${list.place}`))
  const files3 = places.map(place => `${remote}/${place}`)
  assert.deepEqual(all, [...folders, ...shardsOf, ...files3].toSorted())
})

test('PROPFIND tells size, times and content of an object, and 404 for what is not there', async t => {
  const { base } = await openRemotes(t)
  const place = placeOf(md5('1,2\n'))
  await put(`${base}/dvc/mnist/${place}`, '1,2\n')

  const answer = await ask(`${base}/dvc/mnist/${place}`, 'PROPFIND', '0')
  const text = await answer.text()
  const absent = await ask(`${base}/dvc/mnist/${placeOf(md5('x'))}`, 'PROPFIND', '0')
  const unused = await found(`${base}/dvc/mnist/unused/files/md5`, '1')

  assert.match(text, /<D:resourcetype\/>/)
  assert.match(text, /<D:getcontentlength>4<\/D:getcontentlength>/)
  assert.match(text, /<D:getlastmodified>\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT</)
  assert.match(text, /<D:creationdate>\d{4}-\d\d-\d\dT[\d:.]+Z</)
  assert.match(text, new RegExp(`<D:getetag>"${md5('1,2\n')}"<`))
  assert.equal(absent.status, 404)
  assert.deepEqual(unused, ['/dvc/mnist/unused/files/md5/'])
})

test('folders are there by themselves: MKCOL says so where something lies', async t => {
  const { base } = await openRemotes(t)
  const place = placeOf(md5('1,2\n'))
  const remote = `${base}/dvc/mnist/features`

  const fresh = await ask(`${remote}/${place.slice(0, 12)}/`, 'MKCOL')
  await put(`${remote}/${place}`, '1,2\n')
  const filled = await ask(`${remote}/${place.slice(0, 12)}/`, 'MKCOL')
  const top = await ask(`${remote}/files/md5`, 'MKCOL')
  const nowhere = await ask(`${remote}/other/place/zz`, 'MKCOL')

  assert.equal(fresh.status, 201)
  assert.equal(filled.status, 405)
  assert.equal(top.status, 405)
  assert.equal(nowhere.status, 405)
})

test('folders have no bytes and are not taken away', async t => {
  const { base } = await openRemotes(t)
  const url = `${base}/dvc/mnist/files/md5/ab`

  const answers = [await fetch(url), await put(url, 'x'), await ask(url, 'DELETE')]

  assert.deepEqual(
    answers.map(answer => answer.status),
    [405, 405, 405],
  )
})

test('OPTIONS says that it is WebDAV, and which methods there are', async t => {
  const { base } = await openRemotes(t)

  const answer = await ask(`${base}/dvc/mnist`, 'OPTIONS')

  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('dav'), '1')
  assert.match(answer.headers.get('allow') ?? '', /PROPFIND/)
})

test('addresses in an answer are those that the user types', async t => {
  const settings = { publicUrl: 'http://localhost/registry' }
  const { base } = await openRemotes(t, { settings })

  const folders = await found(`${base}/dvc/mnist/features`, '1')

  const remote = '/registry/dvc/mnist/features'
  assert.deepEqual(folders, [`${remote}/`, `${remote}/files/`])
})
