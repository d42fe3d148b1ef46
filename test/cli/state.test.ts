import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { forget, recall, remember } from '../../cli/caches.ts'
import { environment } from '../../cli/config.ts'
import { settingsOf } from '../../cli/settings.ts'
import { findStateFolder, readState, State } from '../../cli/state.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kaos-cli-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

function connected(t: TestContext): State {
  const state = new State(join(folder(t), '.kaos'))
  state.user = 'jfriedman'
  state.setContext({ name: 'remote', url: 'http://127.0.0.1:8080', token: 'kaos_secret' })
  state.activate('remote')
  state.workspace = 'mnist'
  state.save()
  return state
}

describe('the state of a directory', () => {
  it('is written in the layout of the original, for its owner only', t => {
    const state = connected(t)
    const file = join(state.folder, 'config')

    const text = readFileSync(file, 'utf8')

    assert.equal(
      text,
      `[default]
    user = jfriedman
[contexts]
    environments = remote,
[remote]
    [[backend]]
        url = http://127.0.0.1:8080
        token = kaos_secret
[active]
    environment = remote
[pachyderm]
    workspace = mnist
`,
    )
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.equal(statSync(state.folder).mode & 0o777, 0o700)
  })

  it('is read back, and keeps what it does not know', t => {
    const state = connected(t)
    const file = join(state.folder, 'config')
    writeFileSync(file, `${readFileSync(file, 'utf8')}[other]\nkey = value\n`)

    const again = readState(state.folder)
    again.workspace = 'property'
    again.save()

    const { name, url, token } = again.active ?? {}
    assert.deepEqual([name, url, token], ['remote', 'http://127.0.0.1:8080', 'kaos_secret'])
    assert.equal(readState(state.folder).workspace, 'property')
    assert.match(readFileSync(file, 'utf8'), /\[other\]\n {4}key = value/)
  })

  it('is understood in the form of 1.0, and becomes the present one when it is written', t => {
    const path = join(folder(t), '.kaos')
    mkdirSync(path)
    writeFileSync(
      join(path, 'config'),
      '[DEFAULT]\nuser = old\n[backend]\nurl = http://h/api/\ntoken = t\n[pachyderm]\nworkspace = w\n',
    )

    const state = readState(path)
    state.save()

    const again = readState(path)
    assert.deepEqual([again.active?.name, again.active?.url], ['remote', 'http://h/api/'])
    assert.deepEqual([again.active?.token, again.user, again.workspace], ['t', 'old', 'w'])
    assert.doesNotMatch(readFileSync(join(path, 'config'), 'utf8'), /DEFAULT|^\[backend\]/m)
  })

  it('holds several contexts, of which one is active', t => {
    const state = connected(t)

    state.setContext({ name: 'AWS_prod', url: 'https://aws', token: undefined, ca: '/ca.pem' })
    state.activate('AWS_prod')

    assert.deepEqual(
      state.contexts.map(context => context.name),
      ['remote', 'AWS_prod'],
    )
    assert.deepEqual(state.active, {
      name: 'AWS_prod',
      url: 'https://aws',
      token: undefined,
      ca: '/ca.pem',
    })
  })

  it('holds for the folders below it, unless they have their own', t => {
    const { folder: outer } = connected(t)
    const below = join(outer, '..', 'a', 'b')
    mkdirSync(join(below, '.kaos'), { recursive: true })

    assert.equal(findStateFolder(join(outer, '..', 'a')), outer)
    assert.equal(findStateFolder(below), join(below, '.kaos'))
  })
})

describe('an index means a row of the last listing', () => {
  it('of the same workspace', t => {
    const state = connected(t)

    remember(state.folder, 'train', ['first', 'second'], 'mnist')

    assert.equal(recall(state.folder, 'train', 1, 'mnist'), 'second')
    assert.throws(() => recall(state.folder, 'train', 1, 'other'), {
      message: /run kaos train list/,
    })
    assert.throws(() => recall(state.folder, 'train', 2, 'mnist'), {
      exit: 1,
      message: /index 2 does not exist.*kaos train list/,
    })
  })

  it('and of none when there was no listing, or it is no longer readable', t => {
    const state = connected(t)
    const none = { exit: 1, message: /run kaos serve list/ }

    assert.throws(() => recall(state.folder, 'serve', 0, 'mnist'), none)
    writeFileSync(join(state.folder, '.serve.cache'), '{"broken')
    assert.throws(() => recall(state.folder, 'serve', 0, 'mnist'), none)
    remember(state.folder, 'serve', ['serve-a'], 'mnist')
    forget(state.folder, ['serve'])
    assert.throws(() => recall(state.folder, 'serve', 0, 'mnist'), none)
  })
})

describe('settings say where they came from', () => {
  it('an option before a variable before the file before the default', t => {
    const state = connected(t)
    const env = environment({ KAOS_CA: '/env.pem', KAOS_WORKSPACE: 'Other', USER: 'me' })

    const settings = settingsOf(env, state, '/option.pem')

    assert.deepEqual([settings.ca.value, settings.ca.from], ['/option.pem', '--ca'])
    assert.deepEqual(
      [settings.workspace.value, settings.workspace.from],
      ['other', 'KAOS_WORKSPACE'],
    )
    assert.equal(settings.endpoint.from, `${state.folder}/config`)
    assert.equal(settings.user.value, 'jfriedman')
    assert.equal(settingsOf(env, undefined).user.from, '$USER')
  })

  it('a token of the file is sent to no other server', t => {
    const state = connected(t)

    const here = settingsOf(environment({}), state)
    const elsewhere = settingsOf(environment({ KAOS_ENDPOINT: 'http://evil' }), state)

    assert.equal(here.token.value, 'kaos_secret')
    assert.equal(elsewhere.token.value, undefined)
  })
})
