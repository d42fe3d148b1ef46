import assert from 'node:assert/strict'
import test from 'node:test'
import { TextHash } from '../../../server/dvc/text-hash.ts'

const MIB = 1024 * 1024
const text = (value: string) => Buffer.from(value, 'latin1')
const foreign = (count: number, rest: number) => {
  return text(`${'\xc8'.repeat(count)}${'a'.repeat(rest)}\r\n`)
}

/* Made with dvc-data 3.18.3: fobj_md5(BytesIO(bytes), name='md5-dos2unix'). */
const VECTORS: [string, Buffer, string][] = [
  ['a text with CR LF', text('a,b\r\n1,2\r\n'), 'e5ebd4c02cefbe7955977c67ada242b7'],
  ['CRs without an LF', text('a\rb\n\r\r\n'), 'f897915a21f589b8249fb257cb759763'],
  ['NULs', text('\0\r\n'.repeat(10)), '5d4d00065e41c5c240981f619d53994f'],
  ['31 % foreign bytes', foreign(31, 67), '6df750ba9bc82920edc61e6a252a433f'],
  ['30 % foreign bytes', foreign(30, 68), '1350b4c6b06a7f8e064573676386061b'],
  ['nothing', text(''), 'd41d8cd98f00b204e9800998ecf8427e'],
  [
    'a CR LF across two pieces',
    Buffer.concat([Buffer.alloc(MIB - 1, 'a'), text('\r\nb\r\n')]),
    'deb8178cc400550795d42d701b97846d',
  ],
  [
    'a second piece that is no text',
    text(`${'a\r\n'.repeat(349_525)}x${'\0\r\n'.repeat(100)}`),
    '6bed59a2de7b6dd2b114ed17b528460c',
  ],
]

for (const [name, bytes, expected] of VECTORS) {
  test(`the hash of DVC 2 for ${name}, however the bytes come`, () => {
    for (const step of [7, 65_537, MIB * 2]) {
      const hash = new TextHash()
      for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + step))

      const hex = hash.hex()

      assert.equal(hex, expected)
    }
  })
}
