import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { parseManifest } from '../../api/manifest.ts'

const line = (more: object = {}) =>
  JSON.stringify({ url: 'https://example.com/a.csv', path: 'a.csv', ...more })

describe('a manifest', () => {
  it('is its lines, named by the SHA-256 of the file', () => {
    const text = `${line()}\r\n\n${line({ path: 'b/c.csv', size: 3, sha256: 'A'.repeat(64) })}\n`

    const { files, hash } = parseManifest(text)

    assert.equal(hash, createHash('sha256').update(text).digest('hex').slice(0, 5))
    assert.deepEqual(files, [
      { url: 'https://example.com/a.csv', path: 'a.csv' },
      { url: 'https://example.com/a.csv', path: 'b/c.csv', size: 3, sha256: 'a'.repeat(64) },
    ])
  })

  const bad: [string, string, RegExp][] = [
    ['nothing', '\n\n', /names no file/],
    ['no JSON', `${line()}\nhello`, /^line 2 of the manifest is not JSON/],
    ['no object', '[1]', /line 1 .* no JSON object/],
    ['no url', '{"path": "a"}', /has no "url"/],
    ['no path', '{"url": "http://a/"}', /has no "path"/],
    ['a misspelt key', line({ sha265: 'x' }), /unknown key "sha265"; the keys are/],
    ['a short checksum', line({ sha256: 'ab' }), /64 hex digits/],
    ['a size in words', line({ size: '3' }), /"size"/],
    ['a half byte', line({ size: 1.5 }), /"size"/],
  ]
  for (const [what, text, message] of bad) {
    it(`with ${what} is refused with its line`, () => {
      assert.throws(() => parseManifest(text), { code: 'INVALID_MANIFEST', message })
    })
  }

  for (const path of ['', '/a', '../a', 'a/../b', './a', 'a//b', 'a/', 'a\\b', 'a\nb', '\0']) {
    it(`with the path ${JSON.stringify(path)} is refused`, () => {
      assert.throws(() => parseManifest(line({ path })), { message: /path/ })
    })
  }

  for (const url of [
    'file:///etc/passwd',
    'ftp://example.com/a',
    'data:text/plain,a',
    'gopher://example.com/',
    'javascript:1',
    'example.com/a',
    'https://user@example.com/',
    'https://user:word@example.com/',
    'https://@example.com/',
    'https:\\\\:@example.com/',
    'http://[::1',
    'http://exa mple.com/',
    '',
  ]) {
    it(`with the url ${url} is refused`, () => {
      assert.throws(() => parseManifest(line({ url })), { message: /^line 1 .* url/ })
    })
  }

  it('with the same path twice, or a file where a folder must be, is refused with both lines', () => {
    const two = (one: string, other: string) => () =>
      parseManifest(`${line({ path: one })}\n${line({ path: other })}`)

    assert.throws(two('a', 'a'), /line 2 .* as line 1 has/)
    assert.throws(two('a', 'a/b/c'), /line 2 .* but line 1 has a file a/)
    assert.throws(two('a/b/c', 'a/b'), /line 2 .* a folder in line 1/)
  })
})
