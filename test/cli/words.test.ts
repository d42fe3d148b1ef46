import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { WORKSPACE_NAME } from '../../api/ids.ts'
import { API_VERSION } from '../../api/wire.ts'
import * as client from '../../cli/client.ts'
import { upSettings } from '../../cli/config.ts'
import { isLoopback, isOpenToListeners, parseEndpoint } from '../../cli/endpoint.ts'
import { painted, sentence } from '../../cli/look.ts'
import { nearest } from '../../cli/nearest.ts'
import { barLine, Progress } from '../../cli/progress.ts'
import { checkChoice } from '../../cli/select.ts'
import { byteText, localTime, parseLifetime } from '../../cli/times.ts'
import { WORKSPACE_FORM } from '../../cli/workspace-name.ts'

function stream(isTTY: boolean) {
  const written: string[] = []
  return { written, isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 }
}

describe('words', () => {
  it('are one line with the word of the original in front, coloured only on a terminal', () => {
    assert.equal(sentence('Error', 'a\n  b\u001b[2J', stream(false)), 'Error - a b\u{FFFD}[2J')
    assert.equal(painted('x', stream(false), 'bold'), 'x')
    assert.match(painted('x', stream(true), 'bold'), /x/)
  })

  it('propose the names that are nearest, within two edits', () => {
    assert.deepEqual(nearest('mnits', ['mnist', 'notebook', 'mint']), ['mnist'])
    assert.deepEqual(nearest('MNIST', ['mnist']), ['mnist'])
    assert.deepEqual(nearest('far', ['mnist']), [])
  })
})

describe('choosing by name or by index', () => {
  it('refuses both with exit 2 and neither with exit 1', () => {
    const option = '-j/--job_id'

    assert.throws(() => checkChoice({ option, name: 'a', ind: 0 }), { exit: 2 })
    assert.throws(() => checkChoice({ option, name: undefined, ind: undefined }), {
      exit: 1,
      message: 'Missing either -j/--job_id or -i/--ind as arguments',
    })
    assert.doesNotThrow(() => checkChoice({ option, name: undefined, ind: 0 }))
  })
})

describe('endpoints', () => {
  it('are one address however they are typed', () => {
    for (const typed of [
      '127.0.0.1:8080',
      'http://127.0.0.1:8080/',
      'http://127.0.0.1:8080/api/',
    ]) {
      assert.equal(parseEndpoint(typed), 'http://127.0.0.1:8080')
    }
    assert.equal(parseEndpoint('https://h/kaos/'), 'https://h/kaos')
  })

  it('are refused when they name no place or hold a password', () => {
    for (const typed of ['', 'ftp://h', 'http://', 'http://user:secret@h']) {
      assert.throws(() => parseEndpoint(typed), { code: 'USAGE' })
    }
  })

  it('let everybody listen when they are plain and not on this machine', () => {
    assert.equal(isLoopback('http://[::1]:8080'), true)
    assert.equal(isOpenToListeners('http://127.0.0.1:8080'), false)
    assert.equal(isOpenToListeners('http://10.0.0.1'), true)
    assert.equal(isOpenToListeners('https://10.0.0.1'), false)
  })
})

describe('amounts and times', () => {
  it('show a time in the zone of this machine', () => {
    const at = new Date(2019, 6, 29, 12, 8, 9)

    assert.equal(localTime(at.toISOString()), '2019-07-29 12:08:09')
  })

  it('read lifetimes', () => {
    assert.equal(parseLifetime('30d'), 2_592_000)
    assert.equal(parseLifetime('12h'), 43_200)
    assert.equal(parseLifetime('never'), 100 * 365 * 86_400)
    for (const wrong of ['', '0d', '30', 'd', '-1d', '1y'])
      assert.equal(parseLifetime(wrong), undefined)
  })

  it('show bytes as people read them', () => {
    assert.deepEqual([999, 1500, 2_000_000].map(byteText), ['999 B', '1.5 kB', '2.0 MB'])
  })
})

describe('progress', () => {
  it('has the bar of the walkthrough', () => {
    const full = 'Compressing source bundle: 100%|███████████████████████████|'

    assert.equal(barLine('Compressing source bundle', 1), full)
    assert.equal(barLine('x', 0), `x:   0%|${' '.repeat(27)}|`)
  })

  it('is one plain line where there is no terminal, and nothing when it is not wanted', () => {
    const plain = stream(false)
    const progress = new Progress('Extracting train bundle', plain)

    progress.show(1, 2)
    progress.end('5 files')
    new Progress('x', undefined).end()

    assert.deepEqual(plain.written, ['Extracting train bundle: 5 files\n'])
  })
})

describe('what is written twice for the sake of a quick start', () => {
  it('is the same as in api/', () => {
    assert.equal(client.API_VERSION, API_VERSION)
    assert.equal(WORKSPACE_FORM.source, WORKSPACE_NAME.source)
  })

  it('tells no password that an address holds', () => {
    const shown = upSettings({ KAOS_REDIS_URL: 'redis://kaos:secret@cache:6379/1' })

    const redis = shown.find(({ name }) => name === 'redis_url')
    assert.equal(redis?.value, 'redis://kaos:***@cache:6379/1')
  })

  it('is the same as in docs/settings.md', () => {
    const manual = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8')
    const named = [...manual.matchAll(/`(KAOS_[A-Z0-9_]+)`/g)].map(match => match[1]!)

    const shown = upSettings({}).map(setting => /\((\w+)\)/.exec(setting.from)?.[1])

    const ofTheCommand = ['KAOS_CA', 'KAOS_ENDPOINT', 'KAOS_TOKEN', 'KAOS_WORKSPACE', 'KAOS_DEBUG']
    // What is secret is not shown; where it lies is.
    const secret = /_(PASSWORD|API_KEY|SECRET_KEY|ACCESS_KEY)$/
    const expected = [...new Set(named)].filter(
      one => !ofTheCommand.includes(one) && !secret.test(one),
    )
    assert.deepEqual(shown.toSorted(), expected.toSorted())
  })
})
