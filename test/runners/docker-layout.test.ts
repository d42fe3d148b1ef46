import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { type Digest, digestOf, hexOf } from '../../api/digest.ts'
import { layoutFromArchive } from '../../runners/docker/export.ts'
import { blobPath, manifestOf, readLayout } from '../../runners/docker/oci.ts'
import { addBytes } from '../../runners/docker/tar.ts'

type Entries = Record<string, Buffer | string | { link: string }>

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-layout-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function archiveOf(entries: Entries): Readable {
  const tar = pack()
  const fill = async () => {
    for (const [name, content] of Object.entries(entries)) {
      if (typeof content === 'object' && 'link' in content) {
        await addBytes(tar, { name, type: 'symlink', linkname: content.link })
      } else {
        await addBytes(tar, { name }, content)
      }
    }
    tar.finalize()
  }
  fill().catch(error => tar.destroy(error))
  return Readable.from(tar, { objectMode: false })
}

async function layoutOf(t: TestContext, entries: Entries) {
  const folder = await folderOf(t)
  const image = join(folder, 'image')
  const signal = new AbortController().signal
  const made = await layoutFromArchive(archiveOf(entries), image, join(folder, 'scratch'), signal)
  assert.deepEqual(await readdir(folder), ['image'])
  return { folder: image, ...made }
}

function configOf(...layers: Buffer[]): string {
  return JSON.stringify({ os: 'linux', rootfs: { type: 'layers', diff_ids: layers.map(digestOf) } })
}

const one = Buffer.from('layer one '.repeat(1000))
const two = Buffer.from('layer two')

describe('an image archive', () => {
  it('of an old engine becomes a layout, with a layer that comes twice kept once', async t => {
    const config = configOf(one, two, one)
    const id = hexOf(digestOf(config))
    const names = ['a/layer.tar', 'b/layer.tar', 'c/layer.tar']

    const layout = await layoutOf(t, {
      'a/VERSION': '1.0',
      'a/json': '{}',
      'a/layer.tar': one,
      'b/layer.tar': two,
      'c/layer.tar': { link: '../a/layer.tar' },
      [`${id}.json`]: config,
      'manifest.json': JSON.stringify([{ Config: `${id}.json`, RepoTags: null, Layers: names }]),
      repositories: '{}',
    })

    const read = await readLayout(layout.folder)
    assert.equal(layout.config, digestOf(config))
    assert.deepEqual(read.layers, [digestOf(one), digestOf(two), digestOf(one)])
    assert.deepEqual(read.diffIds, read.layers)
    assert.equal(read.manifest, layout.manifest)
    const blobs = await readdir(join(layout.folder, 'blobs', 'sha256'))
    assert.equal(blobs.length, 4)
    for (const name of blobs) {
      assert.equal(hexOf(digestOf(await readFile(blobPath(layout.folder, `sha256:${name}`)))), name)
    }
  })

  it('of a new engine becomes a layout, with compressed layers as they came', async t => {
    const config = configOf(one, two)
    const [packed, squeezed] = [gzipSync(one), zstdCompressSync(two)]
    const path = (bytes: Buffer | string) => `blobs/sha256/${hexOf(digestOf(bytes))}`

    const layout = await layoutOf(t, {
      [path(packed)]: packed,
      [path(squeezed)]: squeezed,
      [path(config)]: config,
      'index.json': '{}',
      'oci-layout': '{"imageLayoutVersion":"1.0.0"}',
      'manifest.json': JSON.stringify([
        { Config: path(config), Layers: [path(packed), path(squeezed)] },
      ]),
    })

    const manifest = JSON.parse(await readFile(blobPath(layout.folder, layout.manifest), 'utf8'))
    assert.deepEqual(
      manifest.layers.map((layer: { mediaType: string }) => layer.mediaType.split('.').at(-1)),
      ['tar+gzip', 'tar+zstd'],
    )
    assert.equal(manifest.layers[0].digest, digestOf(packed))
  })

  const broken: [string, Entries, RegExp][] = [
    ['whose layer is not what the config promises', { a: two }, /was promised/],
    ['that lacks a layer', {}, /a is missing/],
  ]
  for (const [title, layers, words] of broken) {
    it(`${title} is refused`, async t => {
      const making = layoutOf(t, {
        ...layers,
        c: configOf(one),
        'manifest.json': JSON.stringify([{ Config: 'c', Layers: ['a'] }]),
      })

      await assert.rejects(making, words)
    })
  }

  it('that breaks off leaves no half-read files', async t => {
    const folder = await folderOf(t)
    const whole = Buffer.concat(await Array.fromAsync(archiveOf({ a: one, b: two })))
    const cut = Readable.from([whole.subarray(0, 3000)])
    const signal = new AbortController().signal

    const making = layoutFromArchive(cut, join(folder, 'image'), join(folder, 'scratch'), signal)

    await assert.rejects(making)
    assert.ok(!(await readdir(folder)).includes('scratch'))
  })
})

describe('an image manifest', () => {
  it('is always written the same way', () => {
    const digest = `sha256:${'0'.repeat(64)}` as Digest

    const text = manifestOf({ digest, size: 1 }, [{ digest, size: 2, compression: 'none' }])

    const type = 'application/vnd.oci.image'
    assert.equal(
      text.toString('utf8'),
      `{"schemaVersion":2,"mediaType":"${type}.manifest.v1+json",` +
        `"config":{"mediaType":"${type}.config.v1+json","digest":"${digest}","size":1},` +
        `"layers":[{"mediaType":"${type}.layer.v1.tar","digest":"${digest}","size":2}]}`,
    )
  })
})

describe('a layout', () => {
  it('whose config was changed is refused', async t => {
    const config = configOf(one)
    const layout = await layoutOf(t, {
      a: one,
      c: config,
      'manifest.json': JSON.stringify([{ Config: 'c', Layers: ['a'] }]),
    })
    await writeFile(blobPath(layout.folder, layout.config), configOf(two))

    await assert.rejects(readLayout(layout.folder), { code: 'OBJECT_DAMAGED' })
  })
})
