import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { gzip as gzipCallback, zstdCompress } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'
import { streamed } from '../../../server/kits/archive.ts'
import { type Compression, inflated } from '../../../server/kits/inflate.ts'
import { untar } from '../../../server/kits/untar.ts'
import { streamOf } from '../../store/bytes.ts'

const gzip = promisify(gzipCallback)
const zstd = promisify(zstdCompress)

type Content = string | Buffer
type Entry = Partial<Parameters<Pack['entry']>[0]> & {
  readonly name: string
  readonly content?: Content
}

/** As other programs than kit write it. */
async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack()
  for (const { content, ...head } of entries) archive.entry(head, content ?? '')
  archive.finalize()
  return Buffer.concat((await Array.fromAsync(archive)) as Buffer[])
}

/** In pieces of this length. */
function pieces(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  const count = Math.ceil(bytes.length / length)
  return streamOf(
    Array.from({ length: count }, (_, i) => bytes.subarray(i * length, (i + 1) * length)),
  )
}

async function filesOf(source: AsyncIterable<Uint8Array>): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const { path, kind, content } of untar(streamed(source))) {
    if (kind === 'folder') continue
    files[path] = Buffer.concat(await Array.fromAsync(content)).toString()
  }
  return files
}

test('archives of other programs are read, however the bytes come in', async () => {
  const long = `${'x'.repeat(90)}/${'y'.repeat(90)}/${'z'.repeat(90)}`
  const archive = await tarOf([
    { name: './', type: 'directory' },
    { name: './data/', type: 'directory' },
    { name: './data/a.csv', content: 'a,b\n' },
    { name: 'data//b.csv', content: 'c'.repeat(1025) },
    { name: long, content: 'long' },
    { name: 'żółć', content: 'letters' },
    { name: 'empty', content: '' },
  ])

  for (const length of [1, 511, 512, 513, archive.length]) {
    const found = await filesOf(pieces(archive, length))
    const expected = {
      'data/a.csv': 'a,b\n',
      'data/b.csv': 'c'.repeat(1025),
      [long]: 'long',
      żółć: 'letters',
      empty: '',
    }
    assert.deepEqual(found, expected, `in pieces of ${length}`)
  }
})

const HOSTILE: { what: string; entry: Entry; refused: RegExp }[] = [
  {
    what: 'a symbolic link',
    entry: { name: 'a', type: 'symlink', linkname: '/etc' },
    refused: /"a" is a symbolic link/,
  },
  {
    what: 'a hard link',
    entry: { name: 'a', type: 'link', linkname: 'b' },
    refused: /"a" is a hard link/,
  },
  { what: 'a device', entry: { name: 'a', type: 'character-device' }, refused: /"a" is a device/ },
  { what: 'a pipe', entry: { name: 'a', type: 'fifo' }, refused: /"a" is a named pipe/ },
  {
    what: 'a way out',
    entry: { name: 'x/../../a', content: 'a' },
    refused: /leads out of its folder/,
  },
  { what: 'a hidden way out', entry: { name: 'x/..', type: 'directory' }, refused: /leads out/ },
  {
    what: 'an absolute path',
    entry: { name: '/etc/passwd', content: 'a' },
    refused: /absolute path/,
  },
  {
    what: 'an endless path',
    entry: { name: 'a/'.repeat(2100), content: 'a' },
    refused: /too long/,
  },
  {
    what: 'a deep path',
    entry: { name: `${'a/'.repeat(600)}a`, content: 'a' },
    refused: /deeper than 512/,
  },
  {
    what: 'a long name',
    entry: { name: 'a'.repeat(300), content: 'a' },
    refused: /cannot be the path/,
  },
]

for (const { what, entry, refused } of HOSTILE) {
  test(`an archive with ${what} is refused, and it is said why`, async () => {
    const archive = await tarOf([{ name: 'before', content: 'b' }, entry])

    await assert.rejects(filesOf(pieces(archive, 4096)), { code: 'INVALID_KIT', message: refused })
  })
}

test('what is damaged, cut short or no archive is refused', async () => {
  const archive = await tarOf([{ name: 'file', content: 'f'.repeat(5000) }])
  const flipped = Buffer.from(archive)
  flipped[3]! ^= 1

  for (const bytes of [flipped, archive.subarray(0, 3000), Buffer.alloc(2048, 'text')]) {
    await assert.rejects(filesOf(pieces(bytes, 1000)), { code: 'INVALID_KIT' })
  }
})

test('a number that no file can have is refused', async () => {
  const archive = await tarOf([{ name: 'file', content: 'f' }])
  archive.fill(0xff, 124, 136)
  archive.fill(' ', 148, 156)
  const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')

  await assert.rejects(filesOf(pieces(archive, 512)), { message: /number in the head of a tar/ })
})

test('compressed layers are unpacked, and refused when they are not what they say', async () => {
  const archive = await tarOf([{ name: 'file', content: 'f'.repeat(5000) }])
  const made: [Compression, Buffer][] = [
    ['gzip', await gzip(archive)],
    ['zstd', await zstd(archive)],
    ['none', archive],
  ]

  for (const [compression, bytes] of made) {
    const files = await filesOf(inflated(pieces(bytes, 100), compression))
    assert.deepEqual(files, { file: 'f'.repeat(5000) })
  }
  for (const compression of ['gzip', 'zstd'] as const) {
    const wrong = inflated(pieces(archive, 100), compression)
    await assert.rejects(filesOf(wrong), { code: 'INVALID_KIT', message: /damaged, or no/ })
  }
})

test('a layer that unpacks to far more than was sent is refused in time', async () => {
  const zeros = await gzip(Buffer.alloc(96 * 1024 * 1024))
  let unpacked = 0

  async function count(): Promise<void> {
    for await (const bytes of inflated(pieces(zeros, 4096), 'gzip')) unpacked += bytes.length
  }

  await assert.rejects(count, { code: 'INVALID_KIT', message: /200 times its size/ })
  assert.ok(unpacked < 90 * 1024 * 1024)
})

test('an error of the bytes source is passed on as it is', async () => {
  const broken = streamOf([(await gzip('text')).subarray(0, 5)], new Error('connection lost'))

  await assert.rejects(Array.fromAsync(inflated(broken, 'gzip')), /connection lost/)
})
