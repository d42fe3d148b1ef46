import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Args, Flags } from '../../cli/options.ts'
import { type Definitions, parseWords } from '../../cli/parsing.ts'

const flags: Definitions = {
  name: Flags.string({ char: 'n' }),
  yes: Flags.boolean({ char: 'y' }),
  quiet: Flags.boolean({ char: 'q' }),
  limit: Flags.integer({ min: 1, max: 9, default: 5 }),
  form: Flags.string({ options: ['pdf', 'svg'] }),
  tag: Flags.string({ char: 't', multiple: true, multipleNonGreedy: true }),
  metric: Flags.string({ multiple: true }),
  up: Flags.boolean({ exclusive: ['down'] }),
  down: Flags.boolean(),
  licence: Flags.string({ aliases: ['license'] }),
}
const args: Definitions = {
  reference: Args.string({ required: true, description: 'what to tag' }),
  more: Args.string({ multiple: true }),
}

const parsed = (...words: string[]) => parseWords(words, flags, { word: Args.string() })
const refused = (words: string[], message: RegExp, among: Definitions = flags) =>
  assert.rejects(parseWords(words, among, { word: Args.string() }), {
    code: 'USAGE',
    exit: 2,
    message,
  })

describe('the words behind a command', () => {
  it('give an option its value in every usual form', async () => {
    for (const words of [['--name', 'x'], ['--name=x'], ['-n', 'x'], ['-nx'], ['-n=x']]) {
      assert.equal((await parsed(...words)).flags.name, 'x', words.join(' '))
    }
    assert.equal((await parsed('--name=')).flags.name, '')
    assert.equal((await parsed('--name', '-1')).flags.name, '-1')
    assert.equal((await parsed('--name=a=b')).flags.name, 'a=b')
    assert.equal((await parsed('--license', 'MIT')).flags.licence, 'MIT')
  })

  it('may join the letters of switches, and stand on both sides of words', async () => {
    const { flags: given, args: words } = await parsed('-yq', 'word', '--limit', '7')

    assert.deepEqual([given.yes, given.quiet, given.limit, words.word], [true, true, 7, 'word'])
  })

  it('leave defaults where nothing is said: a switch is off', async () => {
    const { flags: given } = await parsed()

    assert.deepEqual({ ...given }, { yes: false, quiet: false, limit: 5, up: false, down: false })
  })

  it('may give an option again that takes several values', async () => {
    assert.deepEqual((await parsed('-t', 'a', '-t', 'b', 'word')).flags.tag, ['a', 'b'])
    assert.deepEqual((await parsed('--metric', 'a>1', 'b>2', '-y')).flags.metric, ['a>1', 'b>2'])
    await refused(['-n', 'a', '-n', 'b'], /^Flag --name can only be specified once$/)
  })

  it('are words behind --, whatever they look like', async () => {
    assert.equal((await parsed('--', '--name')).args.word, '--name')
    assert.equal((await parsed('-')).args.word, '-')
    assert.equal((await parsed('-12')).args.word, '-12')
  })

  it('fill the places of a command in order, the last ones several', async () => {
    const { args: words } = await parseWords(['a', 'b', 'c'], flags, args)

    assert.deepEqual({ ...words }, { reference: 'a', more: ['b', 'c'] })
  })

  it('say what is wrong in one line', async () => {
    await refused(['--nmae', 'x'], /^Nonexistent flag: --nmae$/)
    await refused(['-h'], /^Nonexistent flag: -h; for help type --help$/)
    await refused(['a', 'b'], /^Unexpected argument: b$/)
    await refused(['--name'], /^Flag --name expects a value$/)
    await refused(['--name', '-y'], /^Flag --name expects a value$/)
    await refused(['--form'], /^Flag --form expects one of these values: pdf, svg$/)
    await refused(['--form', 'doc'], /^Expected --form=doc to be one of: pdf, svg$/)
    await refused(['--limit', 'x'], /^--limit: Expected an integer but received: x$/)
    await refused(['--limit', '0'], /^--limit: Expected an integer greater than or equal to 1 /)
    await refused(['--limit', '10'], /^--limit: Expected an integer less than or equal to 9 /)
    await refused(['--up', '--down'], /^--up cannot be given together with --down$/)
    const needed = { folder: Flags.string({ required: true }) }
    await refused([], /^Missing required flag --folder$/, needed)
    await assert.rejects(parseWords([], flags, args), { message: /REFERENCE \(what to tag\)$/ })
  })

  it('name a folder or file that must be there', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'kaos-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const existing: Definitions = {
      folder: Flags.directory({ exists: true }),
      file: Flags.file({ exists: true }),
    }

    assert.equal((await parseWords(['--folder', folder], existing, {})).flags.folder, folder)
    await refused(['--folder', join(folder, 'no')], /^--folder: No directory found at /, existing)
    await refused(['--file', folder], /^--file: .* exists but is not a file$/, existing)
  })

  it('come out as they went in, whatever the values are', async () => {
    const value = fc.string().filter(text => !text.startsWith('-'))
    await fc.assert(
      fc.asyncProperty(value, fc.array(value, { minLength: 1 }), async (name, tags) => {
        const words = [`--name=${name}`, ...tags.flatMap(tag => ['--tag', tag])]
        const { flags: given } = await parsed(...words)

        assert.equal(given.name, name)
        assert.deepEqual(given.tag, tags)
      }),
    )
  })
})
