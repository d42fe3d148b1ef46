import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { extract, type Header } from 'tar-stream'
import { contextTar, listContext, privateName } from '../../runners/docker/context.ts'
import { IgnoreFile } from '../../runners/docker/ignorefile.ts'

async function sourceOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const source = await mkdtemp(join(tmpdir(), 'kaos-context-'))
  t.after(() => rm(source, { recursive: true, force: true }))
  await mkdir(join(source, 'model'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(source, name, '..'), { recursive: true })
    await writeFile(join(source, name), text, { mode: name.endsWith('train') ? 0o755 : 0o640 })
  }
  return source
}

async function bytesOf(source: string, dockerfile = 'FROM a\n'): Promise<Buffer> {
  const tar = contextTar(source, dockerfile, await listContext(source))
  return Buffer.concat(await Array.fromAsync(tar as AsyncIterable<Buffer>))
}

async function entriesOf(bytes: Buffer): Promise<[Header, string][]> {
  const tar = extract()
  tar.end(bytes)
  const found: [Header, string][] = []
  for await (const entry of tar) {
    const pieces = await Array.fromAsync(entry as AsyncIterable<Buffer>)
    found.push([entry.header, Buffer.concat(pieces).toString('utf8')])
  }
  return found
}

describe('the build context', () => {
  it('holds model/ in order, with plain modes, the Dockerfile and a file that hides it', async t => {
    const source = await sourceOf(t, {
      'model/train': '#!/bin/sh\n',
      'model/b.txt': 'b',
      'model/a/z': '',
      'model/a.txt': 'a',
      'model/Dockerfile': 'not ours',
      Dockerfile: 'FROM a\n',
    })
    await symlink('train', join(source, 'model', 'link'))

    const entries = await entriesOf(await bytesOf(source))

    const secret = privateName('FROM a\n')
    assert.deepEqual(
      entries.map(([header]) => [header.name, (header.mode ?? 0).toString(8), header.type]),
      [
        ['.dockerignore', '644', 'file'],
        [secret, '644', 'file'],
        ['Dockerfile', '644', 'file'],
        ['a', '755', 'directory'],
        ['a.txt', '644', 'file'],
        ['a/z', '644', 'file'],
        ['b.txt', '644', 'file'],
        ['link', '777', 'symlink'],
        ['train', '755', 'file'],
      ],
    )
    assert.equal(entries[0]?.[1], `${secret}\n.dockerignore\n`)
    assert.equal(entries[1]?.[1], 'FROM a\n')
    for (const [{ uid, gid, mtime }] of entries) assert.deepEqual([uid, gid, +mtime!], [0, 0, 0])
  })

  it('is the same bytes for the same bundle, whatever its times', async t => {
    const files = { 'model/train': 'x', 'model/sub/y': 'y'.repeat(100_000) }
    const one = await sourceOf(t, files)
    const two = await sourceOf(t, files)
    await utimes(join(two, 'model', 'train'), 1, 1)

    assert.ok((await bytesOf(one)).equals(await bytesOf(two)))
  })

  it('leaves out what .dockerignore names, beside model/ as well as in it', async t => {
    const source = await sourceOf(t, {
      '.dockerignore': '# comment\n*.secret\n',
      'model/.dockerignore': 'cache\n!cache/keep/one\n',
      'model/a.secret': '',
      'model/sub/b.secret': '',
      'model/cache/x': '',
      'model/cache/keep/one': '',
      'model/cache/keep/two': '',
    })

    const names = (await listContext(source)).map(entry => entry.path)

    assert.deepEqual(names, ['cache/keep/one', 'sub', 'sub/b.secret'])
  })

  it('is never whole in memory, and breaks off when it is not wanted any more', async t => {
    const source = await sourceOf(t, { 'model/big': 'x'.repeat(8 * 1024 * 1024) })
    const tar = contextTar(source, 'FROM a\n', await listContext(source))

    let read = 0
    for await (const piece of tar) {
      read += (piece as Buffer).length
      if (read > 100_000) break
    }

    assert.ok(tar.destroyed)
    assert.ok(read < 1024 * 1024)
  })

  it('fails when a file has gone, instead of sending half of it', async t => {
    const source = await sourceOf(t, { 'model/a': 'a' })
    const entries = await listContext(source)
    await rm(join(source, 'model', 'a'))

    const reading = Array.fromAsync(contextTar(source, 'FROM a\n', entries))

    await assert.rejects(reading, { code: 'ENOENT' })
  })
})

describe('.dockerignore', () => {
  const cases: [string, string[], string[]][] = [
    ['*.log', ['a.log'], ['sub/a.log', 'A.LOG']],
    ['**/*.log', ['a.log', 'sub/x/a.log'], ['a.log.txt']],
    ['/a', ['a', 'a/b'], ['b/a']],
    ['a/', ['a/b', 'a'], []],
    ['./a/../b', ['b'], ['a']],
    ['*\n!keep', ['x', 'sub/x'], ['keep', 'keep/below']],
    ['!keep\n*', ['keep'], []],
    ['temp?', ['tempa', 'tempb/x'], ['temp', 'tempab']],
    ['[^a]b', ['xb'], ['ab']],
    ['  spaced  \n\n#no\n', ['spaced'], ['#no', 'no']],
  ]
  for (const [text, out, kept] of cases) {
    it(`means by ${JSON.stringify(text)} what docker build means`, () => {
      const file = new IgnoreFile([text])

      assert.deepEqual(
        out.filter(path => !file.ignores(path)),
        [],
      )
      assert.deepEqual(
        kept.filter(path => file.ignores(path)),
        [],
      )
    })
  }
})
