import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { encodeTree } from '../../api/tree.ts'
import { ENTITY, scene, TREE, VERSION } from './catalogue-scene.ts'
import type { Seen } from './played-server.ts'

describe('kaos data and kaos model', () => {
  it('list what there is, trained models without a name included', async t => {
    const row = {
      name: 'features',
      kind: 'data',
      newest: 3,
      entity: VERSION.entity,
      tags: ['best', 'clean'],
      files: 3,
      bytes: 1_200_000,
      author: 'jfriedman',
      at: VERSION.at,
      title: '',
    }
    const model = {
      modelId: 'e23a2_9fd9d:b82151',
      entity: '2',
      jobId: 'j'.repeat(32),
      versions: [],
      tree: TREE,
      author: 'me',
      at: VERSION.at,
      metrics: { accuracy: 0.98765, report: 'text' },
    }
    const { kaos, seen } = await scene(t, {
      'GET /repositories': ({ url }: Seen) =>
        /kind=data/.test(url)
          ? { repositories: [row], next: null }
          : { repositories: [], next: null },
      'GET /models': { models: [model, { ...model, modelId: 'named', versions: ['m@v1'] }] },
    })

    const data = await kaos('data', 'list')
    const models = await kaos('model', 'list')

    assert.equal(
      data.stdout,
      `
+----------+--------+-------+--------+-------+---------------------+-----------+
|   name   | newest |  tags |  size  | files |       updated       |     by    |
+----------+--------+-------+--------+-------+---------------------+-----------+
| features |   v3   |  best | 1.2 MB |   3   | 2026-01-02 03:04:05 | jfriedman |
|          |        | clean |        |       |                     |           |
+----------+--------+-------+--------+-------+---------------------+-----------+

`,
    )
    assert.match(models.stdout, /\| e23a2_9fd9d:b82151 \| j{32} \| accuracy=0\.9877 \|/)
    assert.doesNotMatch(models.stdout, /named/)
    assert.ok(seen.some(({ url }) => /repositories\?kind=model&/.test(url)))
  })

  it('show the log of versions, and of a tag', async t => {
    const { kaos } = await scene(t, {
      'GET /repositories/team%2Ffeatures/versions': { versions: [VERSION], next: null },
      'GET /repositories/features/tags/best': {
        repository: 'features',
        tag: 'best',
        moves: [{ at: VERSION.at, author: 'ann', from: 'v1', to: 'v2' }],
      },
    })

    const log = await kaos('data', 'log', 'team/features')
    const tag = await kaos('data', 'log', 'features', '--tag', 'best')

    assert.match(
      log.stdout,
      /\| +v3 +\| [0-9a-f]{12} \| clean \| 3 files, 1.2 MB \| 2026-01-02 03:04:05 \| jfriedman \| features@v2 \| without outliers \|/,
    )
    assert.match(tag.stdout, /\| 2026-01-02 03:04:05 \| ann \| +v1 +\| +v2 +\|/)
  })

  it('show a diff of any length, and end well', async t => {
    const change = { path: 'a\x1b.csv', change: 'changed', before: 1, after: 3 }
    const ends = {
      from: { entity: '1', reference: 'f@v1' },
      to: { entity: '2', reference: 'f@v2' },
    }
    const { kaos } = await scene(t, {
      'GET /diff?from=f%40v1&to=f&kind=data': {
        ...ends,
        changes: [change, { path: 'b', change: 'removed', before: 5, after: null }],
        next: 'b',
      },
      'GET /diff?from=f%40v1&to=f&kind=data&cursor=b': {
        ...ends,
        changes: [
          { path: 'c', change: 'added', before: null, after: 7 },
          { path: 'run', change: 'mode', before: 1, after: 1 },
        ],
        next: null,
      },
    })

    const done = await kaos('data', 'diff', 'f@v1', 'f')

    assert.equal(done.code, 0, done.stderr)
    assert.equal(
      done.stdout,
      [
        '~ a\ufffd.csv (1 B, now 3 B)',
        '- b (5 B)',
        '+ c (7 B)',
        'x run',
        'Info - f@v1 to f@v2: 1 file added (7 B), 1 file removed (5 B), 2 files changed (2 B, now 4 B)',
        '',
      ].join('\n'),
    )
  })

  it('inspect shows all that is known, the card as plain text', async t => {
    const { kaos } = await scene(t, {
      'GET /entities': ENTITY,
      'GET /repositories/features/versions': { versions: [VERSION], next: null },
    })

    const done = await kaos('data', 'inspect', 'features:clean')

    assert.equal(done.code, 0, done.stderr)
    for (const line of [
      'Kind: data set',
      'Tags: features:clean',
      'Provenance: pushed from features@v2, by jfriedman, 2026-01-02 03:04:05',
      'Address: host/mnist/features:clean',
      'Licence: CC0-1.0',
      'Keywords: a, b',
    ]) {
      assert.ok(done.stdout.includes(`    ${line}\n`), `${line} in ${done.stdout}`)
    }
    assert.match(
      done.stdout,
      /\nDigits\n======\n\nSee the paper \(https:\/\/example.com\) for all\.\n/,
    )
  })

  it('get lays out the parts of a ModelKit, whatever they are called', async t => {
    const part = (name: string, kind = 'data') => {
      return { part: kind, entity: name, name, tree: TREE, files: 0, bytes: 0 }
    }
    const empty = encodeTree([])
    const header = Buffer.alloc(4)
    header.writeUInt32BE(empty.length)
    const { kaos, folder } = await scene(t, {
      'GET /entities': { ...ENTITY, kind: 'artifact' },
      [`GET /entities/${ENTITY.entity}/parts`]: {
        parts: [part('../../out'), part('..'), part('a'), part('a'), part('m', 'model')],
      },
      'GET content': Buffer.concat([header, empty]),
    })

    const done = await kaos('model', 'get', 'chatbot:tuned', 'kit')
    const refused = await kaos('model', 'get', 'chatbot:tuned', 'kit')

    assert.equal(done.code, 0, done.stderr)
    assert.deepEqual(readdirSync(join(folder, 'kit', 'data')).sort(), [
      '..-..-out',
      'a',
      'a-2',
      'part',
    ])
    assert.deepEqual(readdirSync(join(folder, 'kit')).sort(), ['data', 'model'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /the folder kit is there and not empty/)
  })

  it('tag where the version is, or where it is said', async t => {
    const tagged = { version: VERSION, added: true, moved: ['a', 'b'] }
    const { kaos, bodies } = await scene(t, {
      'GET /entities': ENTITY,
      'GET /entities?reference=b82151&kind=model%2Cartifact': { ...ENTITY, places: [] },
      'POST /repositories/features/tags': tagged,
      'POST /repositories/team%2Fmnist/tags': tagged,
    })

    const done = await kaos('data', 'tag', 'features', 'a', 'team/mnist:c', 'b')
    const homeless = await kaos('model', 'tag', 'b82151', 'champion')

    assert.equal(done.code, 0, done.stderr)
    const reference = VERSION.entity
    assert.deepEqual(bodies('POST /repositories/features/tags'), [{ reference, tags: ['a', 'b'] }])
    assert.deepEqual(bodies('POST /repositories/team%2Fmnist/tags'), [{ reference, tags: ['c'] }])
    assert.match(done.stdout, / ✔ features@v3\n ✔ features:a is features@v3\n/)
    assert.equal(homeless.code, 2)
    assert.match(homeless.stderr, /give the tag as <name>:<tag>/)
  })

  it('untag and remove name what goes, and remove asks first', async t => {
    const gone = {
      'GET /entities': ENTITY,
      'DELETE /repositories/features/tags/clean': true,
      'DELETE /repositories/features/versions/3?force=true': true,
    }
    const silent = await scene(t, gone)
    const agreed = await scene(t, gone, 'y\n')

    const untagged = await silent.kaos('data', 'untag', 'features:clean')
    const wrong = await silent.kaos('data', 'untag', 'clean')
    const kept = await silent.kaos('data', 'remove', 'features', '--force')
    const removed = await agreed.kaos('data', 'remove', 'features', '--force')

    assert.equal(untagged.code, 0, untagged.stderr)
    assert.equal(wrong.code, 2)
    assert.equal(kept.code, 1)
    assert.match(
      kept.stderr,
      /remove features@v3 \(3 files, 1\.2 MB\) from the catalogue\? \[y\/N\]/,
    )
    assert.equal(removed.code, 0, removed.stderr)
    assert.match(removed.stdout, / ✔ features@v3 was removed\n/)
    assert.equal(silent.seen.filter(({ url }) => /versions/.test(url)).length, 0)
  })

  it('describe sends only what was given, and shows it without', async t => {
    const { kaos, bodies } = await scene(t, {
      'POST /repositories/features/about': ENTITY.about,
      'GET /repositories/features': { about: ENTITY.about },
    })

    const said = await kaos('data', 'describe', 'features', '--title', '', '--keyword', '')
    const shown = await kaos('data', 'describe', 'features')

    assert.deepEqual(bodies('POST /repositories/features/about'), [{ title: '', keywords: [] }])
    assert.match(said.stdout, /✔ features\n {4}Title: Digits\n/)
    assert.match(shown.stdout, /Licence: CC0-1\.0/)
  })
})
