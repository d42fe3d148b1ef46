import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  emptySection,
  formatIni,
  parseIni,
  type Section,
  sectionOf,
  type Value,
} from '../../cli/ini.ts'

const text = fc
  .string({ unit: 'grapheme' })
  .filter(it => !/[\r\n]/.test(it) && !(it.includes('"') && it.includes("'")))
const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_. -]{0,10}[A-Za-z0-9]$/)
const values = fc.dictionary(name, fc.oneof(text, fc.array(text, { maxLength: 3 })), { maxKeys: 4 })

function plain(section: Section): unknown {
  const sections = [...section.sections].map(([key, child]) => [key, plain(child)])
  return [Object.fromEntries(section.values), sections]
}

function built(
  entries: Record<string, Value>,
  nested: Record<string, Record<string, Value>>,
): Section {
  const root = emptySection()
  for (const [key, value] of Object.entries(entries)) root.values.set(key, value)
  for (const [key, inner] of Object.entries(nested)) {
    const child = sectionOf(sectionOf(root, key), 'backend')
    for (const [entry, value] of Object.entries(inner)) child.values.set(entry, value)
  }
  return root
}

describe('the configuration file', () => {
  it('is read again as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(values, fc.dictionary(name, values, { maxKeys: 3 }), (entries, nested) => {
        const root = built(entries, nested)

        const again = parseIni(formatIni(root))

        assert.deepEqual(plain(again), plain(root))
      }),
    )
  })

  it('keeps the line separators of Unicode, which are no line breaks here', () => {
    const root = emptySection()
    root.values.set('key', 'a\u2028b\u2029 # c')

    assert.deepEqual(plain(parseIni(formatIni(root))), plain(root))
  })

  it('has nested sections and a comma behind a list of one, as the original', () => {
    const root = emptySection()
    sectionOf(root, 'contexts').values.set('environments', ['remote'])
    sectionOf(sectionOf(root, 'remote'), 'backend').values.set('url', 'http://127.0.0.1:80')

    const written = formatIni(root)

    assert.equal(
      written,
      `[contexts]
    environments = remote,
[remote]
    [[backend]]
        url = http://127.0.0.1:80
`,
    )
  })

  it('reads what the original wrote, with comments, quotes and no indent', () => {
    const root = parseIni(`# made by hand
[ contexts ]
environments = AWS_prod, "remote"  # two
[remote]
[[backend]]
url='http://x/#y'
token =
`)

    assert.deepEqual(sectionOf(root, 'contexts').values.get('environments'), ['AWS_prod', 'remote'])
    const backend = sectionOf(sectionOf(root, 'remote'), 'backend')
    assert.equal(backend.values.get('url'), 'http://x/#y')
    assert.equal(backend.values.get('token'), '')
  })

  it('names the line that cannot be read', () => {
    for (const broken of ['[a]\nnonsense', '[a]\n[[[too deep]]]', '[a]\n[b', '[a]\nkey = "open']) {
      assert.throws(() => parseIni(broken), { code: 'CONFIGURATION', message: /line 2 / })
    }
  })
})
