import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { openDvc } from '../../../server/dvc/dvc.ts'
import { openArrivals } from '../../../server/remotes/arrivals.ts'
import { openObjects, type Remote } from '../../../server/remotes/objects.ts'
import { QUIET_MS } from '../../../server/remotes/settling.ts'
import { tempFolder } from '../open.ts'
import {
  bearer,
  type DvcFolder,
  dvcFolder,
  filesOf,
  md5,
  newestOf,
  openRemotes,
  placeOf,
  pushFolder,
  put,
  type Remotes,
  versionsOf,
} from '../remotes.ts'
import { sendBundle, writeFolder } from '../sending.ts'

const CONTENTS = { 'a.csv': '1,2\n', 'sub/b.csv': 'b'.repeat(40_000), 'sub/empty': '' }

/** As if nothing came for a while. */
async function settled(server: Remotes): Promise<void> {
  server.clock.now += QUIET_MS
  await server.settle('dvc')
}

async function bringList(remote: string, { list }: DvcFolder): Promise<Response> {
  return put(`${remote}/${list.place}`, list.bytes)
}

test('a folder that DVC pushed is the next version of its repository', async t => {
  const server = await openRemotes(t)
  const folder = dvcFolder(CONTENTS)

  await pushFolder(`${server.base}/dvc/mnist/features`, folder)
  const version = await newestOf(server, 'features')
  const files = await filesOf(server, version)

  assert.equal(version.kind, 'data')
  assert.deepEqual(files, CONTENTS)
  assert.equal(version.attributes.dvc, `${folder.list.md5}.dir`)
  assert.equal(version.attributes.files, 3)
})

test('without a repository in its address the remote belongs to the repository dvc', async t => {
  const server = await openRemotes(t)

  await pushFolder(`${server.base}/dvc/mnist`, dvcFolder(CONTENTS))
  const version = await newestOf(server, 'dvc')

  assert.deepEqual(await filesOf(server, version), CONTENTS)
})

test('a folder has the same tree as the same folder pushed by kaos, and shares its bytes', async t => {
  const server = await openRemotes(t)
  const folder = await tempFolder(t)
  await writeFolder(join(folder, 'features'), CONTENTS)
  const sent = await sendBundle(server.base, 'mnist', 'data', join(folder, 'features'), 'features')
  const { tree } = (await sent.json()) as { tree: string }
  const large = placeOf(md5(CONTENTS['sub/b.csv']))
  const before = await server.parts.store.stats()

  const again = await put(`${server.base}/dvc/mnist/copy/${large}`, CONTENTS['sub/b.csv'])
  const after = await server.parts.store.stats()
  await pushFolder(`${server.base}/dvc/mnist/copy`, dvcFolder(CONTENTS))
  const version = await newestOf(server, 'copy')

  assert.equal(again.status, 201)
  assert.equal(after.objects, before.objects)
  assert.equal(version.digest, tree)
})

test('an archive among the files is one with the same archive pushed by kaos', async t => {
  const server = await openRemotes(t)
  const head = Buffer.alloc(512)
  head.write('a.bin', 0)
  head.write('00000100000\0', 124)
  head.write('0', 156)
  head.write('ustar', 257)
  head.write('        ', 148)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  const contents = { 'x.tar': `${head.toString('latin1')}${'archived '.repeat(9000)}` }
  const folder = await tempFolder(t)
  await writeFolder(join(folder, 'features'), contents)
  const sent = await sendBundle(server.base, 'mnist', 'data', join(folder, 'features'), 'features')

  await pushFolder(`${server.base}/dvc/mnist/copy`, dvcFolder(contents))
  const version = await newestOf(server, 'copy')

  assert.equal(version.digest, ((await sent.json()) as { tree: string }).tree)
})

test('the list may come first: the last file makes the version', async t => {
  const server = await openRemotes(t)
  const remote = `${server.base}/dvc/mnist/features`
  const folder = dvcFolder({ ...CONTENTS, 'c.csv': 'c', 'd/e.csv': 'e' })
  await bringList(remote, folder)
  const files = [...folder.files]
  const last = files.pop()!

  await Promise.all(files.map(([place, bytes]) => put(`${remote}/${place}`, bytes)))
  const before = await versionsOf(server, 'features')
  await put(`${remote}/${last[0]}`, last[1])
  const after = await versionsOf(server, 'features')

  assert.equal(before.length, 0)
  assert.equal(after.length, 1)
  assert.equal(after[0]?.attributes.files, 5)
})

test('files and lists at once, in any order, make each folder one version', async t => {
  const server = await openRemotes(t)
  const remote = `${server.base}/dvc/mnist/features`
  const folders = [0, 1, 2].map(i => {
    const texts = Array.from({ length: 12 }, (_, j) => [`${j}.txt`, `${j < 8 ? '' : i} ${j}`])
    return dvcFolder(Object.fromEntries(texts))
  })
  const objects = folders.flatMap(({ files, list }): [string, string][] => {
    return [[list.place, list.bytes], ...files]
  })

  await Promise.all(objects.map(([place, bytes]) => put(`${remote}/${place}`, bytes)))
  const versions = await versionsOf(server, 'features')
  const loose = await server.parts.ledger.records('brought/loose/')

  const wanted = folders.map(({ list }) => `${list.md5}.dir`).toSorted()
  assert.deepEqual(versions.map(one => one.attributes.dvc).toSorted(), wanted)
  assert.deepEqual(loose, [])
})

test('a version says who brought it, when, and from which it derives', async t => {
  const server = await openRemotes(t, { settings: { local: false } })
  const headers = bearer(await server.tokenOf('contributor'))
  const remote = `${server.base}/dvc/mnist/features`
  const folders = [dvcFolder(CONTENTS), dvcFolder({ ...CONTENTS, 'a.csv': 'changed' })]
  for (const { files, list } of folders) {
    for (const [place, bytes] of [...files, [list.place, list.bytes] as const]) {
      await put(`${remote}/${place}`, bytes, headers)
    }
  }

  const [first, second] = await versionsOf(server, 'features')
  const { nodes, edges } = await server.parts.ledger.lineage(second!.id, { direction: 'up' })
  const fact = (await server.parts.ledger.log(second!.seq, 1))[0]

  const activity = nodes.find(node => node.kind === 'import')
  const agent = nodes.find(node => node.class === 'agent')
  const relations = edges.map(({ from, relation, to }) => `${from} ${relation} ${to}`)
  assert.equal(await server.parts.people.nameOf(agent!.id), 'contributor2')
  assert.ok(relations.includes(`${second!.id} wasDerivedFrom ${first!.id}`))
  assert.ok(relations.includes(`${second!.id} wasGeneratedBy ${activity!.id}`))
  assert.ok(relations.includes(`${activity!.id} wasAssociatedWith ${agent!.id}`))
  assert.equal(JSON.parse(fact?.payload ?? '{}').actor, agent!.id)
})

test('small files are kept once: in the version that has them', async t => {
  const server = await openRemotes(t)
  const remote = `${server.base}/dvc/mnist/features`
  const texts = Array.from({ length: 600 }, (_, i) => [`${i}.txt`, `text ${i}`] as const)
  await pushFolder(remote, dvcFolder(Object.fromEntries(texts)))
  const { digest } = await newestOf(server, 'features')

  const records = await server.parts.ledger.records('dvc/')
  const places = records.map(({ value }) => (value as { places?: object[] }).places ?? [])
  const read = await fetch(`${remote}/${placeOf(md5('text 77'))}`)

  assert.ok(digest)
  assert.equal(places.filter(one => one.length === 1).length, 600)
  assert.equal(await read.text(), 'text 77')
})

test('files that no folder names become one version when nothing came for a while', async t => {
  const server = await openRemotes(t)
  const remote = `${server.base}/dvc/mnist/models`
  await put(`${remote}/${placeOf(md5('one'))}`, 'one')
  await put(`${remote}/${placeOf(md5('two'))}`, 'two')
  server.clock.now += QUIET_MS - 1
  await server.settle('dvc')
  const early = await versionsOf(server, 'models')

  await settled(server)
  await settled(server)
  const versions = await versionsOf(server, 'models')
  const files = await filesOf(server, versions[0]!)
  const read = await fetch(`${remote}/${placeOf(md5('two'))}`)

  assert.equal(early.length, 0)
  assert.equal(versions.length, 1)
  assert.deepEqual(files, { [md5('one')]: 'one', [md5('two')]: 'two' })
  assert.equal(await read.text(), 'two')
})

test('what a folder named is not brought into sight twice', async t => {
  const server = await openRemotes(t)
  await pushFolder(`${server.base}/dvc/mnist/features`, dvcFolder(CONTENTS))

  await settled(server)
  const versions = await versionsOf(server, 'features')

  assert.equal(versions.length, 1)
})

test('a push that was broken off is in sight, and is finished later', async t => {
  const server = await openRemotes(t)
  const remote = `${server.base}/dvc/mnist/features`
  const folder = dvcFolder(CONTENTS)
  const [first, ...others] = [...folder.files]
  await bringList(remote, folder)
  await put(`${remote}/${first![0]}`, first![1])

  await settled(server)
  const half = await newestOf(server, 'features')
  for (const [place, bytes] of others) await put(`${remote}/${place}`, bytes)
  const whole = await newestOf(server, 'features')
  const list = await fetch(`${remote}/${folder.list.place}`)

  assert.equal(half.attributes.files, 2)
  assert.deepEqual(await filesOf(server, whole), CONTENTS)
  assert.equal(await list.text(), folder.list.bytes)
})

test('a server that stopped before it made the version makes it when it looks again', async t => {
  const server = await openRemotes(t)
  const { parts, ws } = server
  const folder = dvcFolder(CONTENTS)
  const remote: Remote = {
    kind: 'dvc',
    workspace: ws,
    organisation: 'default',
    repository: 'features',
  }
  const arrivals = openArrivals(parts, openObjects(parts.ledger, parts.store))
  const { place, bytes } = folder.list
  for (const [name, text] of [...folder.files, [place, bytes] as const]) {
    const isList = name === place
    const waiting = { key: `brought/folder/dvc/${ws}/features:${name}`, value: { missing: null } }
    await arrivals.take(parts.people.local, {
      remote,
      name,
      body: { source: new Blob([text]).stream(), length: text.length },
      hashes: ['md5'],
      accept: () => (isList ? [waiting] : []),
    })
  }

  await settled(server)
  const versions = await versionsOf(server, 'features')

  assert.equal(versions.length, 1)
  assert.deepEqual(await filesOf(server, versions[0]!), CONTENTS)
})

test('two servers over the same ledger make each version once', async t => {
  const server = await openRemotes(t)
  await put(`${server.base}/dvc/mnist/models/${placeOf(md5('one'))}`, 'one')
  server.clock.now += QUIET_MS
  const others = [0, 1, 2, 3].map(() => openDvc(server.parts))

  await Promise.all(others.map(other => other.settle()))
  const versions = await versionsOf(server, 'models')

  assert.equal(versions.length, 1)
})

for (const [name, list] of [
  ['leads out of its folder', '[{"md5": "MD5", "relpath": "../a"}]'],
  ['is absolute', '[{"md5": "MD5", "relpath": "/a"}]'],
  ['has a NUL', '[{"md5": "MD5", "relpath": "a\\u0000"}]'],
  ['has no relpath', '[{"md5": "MD5"}]'],
  ['has no md5', '[{"md5": "../../x", "relpath": "a"}]'],
  ['is there twice', '[{"md5": "MD5", "relpath": "a"}, {"md5": "MD5", "relpath": "a"}]'],
  ['lies below a file', '[{"md5": "MD5", "relpath": "a/b"}, {"md5": "MD5", "relpath": "a"}]'],
  ['is no JSON', '[{'],
  ['is no list', '{}'],
] as const) {
  test(`a list of files is refused when an entry ${name}, and nothing of it is kept`, async t => {
    const server = await openRemotes(t)
    const bytes = list.replaceAll('MD5', md5('x'))
    const url = `${server.base}/dvc/mnist/${placeOf(md5(bytes))}.dir`

    const refused = await put(url, bytes)
    const there = await fetch(url)

    assert.equal(refused.status, 400)
    assert.equal(there.status, 404)
    assert.deepEqual(await server.parts.ledger.records('brought/'), [])
  })
}
