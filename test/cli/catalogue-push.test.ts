import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { FolderMaker } from '../../api/folder.ts'
import { ENTITY, PUSHED, scene, UPLOADS, VERSION } from './catalogue-scene.ts'

function dataIn(folder: string, name: string): string {
  mkdirSync(join(folder, name, 'only'), { recursive: true })
  writeFileSync(join(folder, name, 'only', 'a.csv'), '1,2\n')
  return name
}

describe('kaos data push', () => {
  it('sends the folder itself, also when it holds one folder and nothing else', async t => {
    const { kaos, folder, bodies } = await scene(t, { ...UPLOADS, 'POST /repositories': PUSHED })
    const words = ['-t', 'clean', '-t', 'x', '-m', 'why', '--from', 'a@v1', '--licence', 'MIT']

    const done = await kaos('data', 'push', ...words, '--keyword', 'k', dataIn(folder, 'My Data'))

    assert.equal(done.code, 0, done.stderr)
    assert.equal(
      done.stdout,
      ' ✔ features@v3 (features:9fd9d, 3 files, 1.2 MB)\n ✔ features:clean\nInfo - train on it with: kaos train deploy -d features@v3\n',
    )
    assert.match(done.stderr, /^Sending data set: 1 file, 4 B/)
    const [{ tree, ...sent }] = bodies('POST /repositories')
    assert.deepEqual(sent, {
      upload: 'u1',
      kind: 'data',
      folder: 'My Data',
      tags: ['clean', 'x'],
      message: 'why',
      from: 'a@v1',
      about: { licence: 'MIT', keywords: ['k'] },
    })
    const [inner, outer] = [new FolderMaker(), new FolderMaker()]
    inner.small('a.csv', false, Buffer.from('1,2\n'))
    outer.add({ name: 'only', kind: 'folder', ...inner.finish() })
    assert.equal(tree, outer.finish().digest)
  })

  it('says from the second time on which version the folder held', async t => {
    const { kaos, folder, bodies, home } = await scene(t, {
      ...UPLOADS,
      'POST /repositories': PUSHED,
      [`GET /entities?reference=${VERSION.entity}`]: ENTITY,
    })
    dataIn(folder, 'features')
    const inside = readdirSync(join(folder, 'features'))

    await kaos('data', 'push', 'features')
    await kaos('data', 'push', './features/')
    await kaos('data', 'push', 'features', '--from', 'other')

    const from = bodies('POST /repositories').map(body => body.from)
    assert.deepEqual(from, [undefined, VERSION.entity, 'other'])
    assert.deepEqual(readdirSync(join(folder, 'features')), inside)
    assert.ok(existsSync(join(home, 'state', 'kaos', 'folders.json')))
  })

  it('forgets what the server does not know any more', async t => {
    const { kaos, folder, bodies } = await scene(t, { ...UPLOADS, 'POST /repositories': PUSHED })
    dataIn(folder, 'features')

    await kaos('data', 'push', 'features')
    const again = await kaos('data', 'push', 'features')

    assert.equal(again.code, 0, again.stderr)
    assert.deepEqual(
      bodies('POST /repositories').map(body => body.from),
      [undefined, undefined],
    )
  })

  it('tells what is unchanged, and that help says which folder is meant', async t => {
    const { kaos, folder } = await scene(t, {
      ...UPLOADS,
      'POST /repositories': { ...PUSHED, unchanged: true, moved: [] },
    })

    const done = await kaos('data', 'push', dataIn(folder, 'features'), '--json')
    const help = await kaos('data', 'push', '--help')
    const missing = await kaos('data', 'push', 'nowhere')

    assert.equal(JSON.parse(done.stdout).unchanged, true)
    assert.match(help.stdout, /\$ kaos data push FOLDER \[OPTIONS\]/)
    assert.match(help.stdout, /the\s+one\s+folder\s+inside\s+is\s+the\s+bundle/)
    assert.equal(missing.code, 2)
  })
})
