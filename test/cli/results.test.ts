import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import {
  COMMAND,
  connected,
  kaosIn,
  NOWHERE,
  OURS,
  play,
  sendJson,
  sendProblem,
  temporary,
} from './played-server.ts'

const WORKSPACES = { workspaces: [{ name: 'mnist', createdAt: '', createdBy: '' }] }

describe('results', () => {
  const row = {
    jobId: '1ed80bcad9a6465db67652255f904377',
    kind: 'train',
    state: 'JOB_SUCCESS',
    started: '2019-07-29T12:38:39Z',
    finished: '2019-07-29T12:39:50Z',
    duration: 71,
    hyperopt: false,
    author: 'me',
    reason: null,
  }
  const list = { ingesting: [], building: [], training: [row] }

  it('stand on stdout between empty lines; an index then means a row', async t => {
    const { url, seen } = await play(t, ({ url }, response) => {
      if (url.endsWith('/workspaces')) sendJson(response, WORKSPACES)
      else if (url.endsWith('/train')) sendJson(response, list)
      else sendProblem(response, 409, 'JOB_NOT_RUNNING', 'no')
    })
    const kaos = kaosIn(connected(t, url))

    const listed = await kaos('train', 'list')
    const killed = await kaos('train', 'kill', '-i', '0')
    const beyond = await kaos('train', 'kill', '-i', '1')

    assert.match(listed.stdout, /^\n\+-+\+\n\| +TRAINING +\|\n[\s\S]*\+\n\n$/)
    assert.equal(listed.stderr, '')
    assert.ok(seen.some(({ url }) => url.endsWith(`/jobs/${row.jobId}/kill`)))
    assert.equal(killed.stderr, `Error - Job is not running, id: ${row.jobId}\n`)
    assert.deepEqual([killed.code, beyond.code], [1, 1])
    assert.match(beyond.stderr, /index 1 does not exist.*kaos train list/)
  })

  it('with --json are the answer of the server alone', async t => {
    const { url } = await play(t, ({ url }, response) =>
      sendJson(response, url.endsWith('/workspaces') ? WORKSPACES : list),
    )

    const done = await kaosIn(connected(t, url))('train', 'list', '--json')

    assert.deepEqual(JSON.parse(done.stdout), list)
  })

  it('a listing without rows points to the command that makes one', async t => {
    const nothing = { ingesting: [], building: [], training: [] }
    const { url } = await play(t, ({ url }, response) =>
      sendJson(response, url.endsWith('/workspaces') ? WORKSPACES : nothing),
    )

    const done = await kaosIn(connected(t, url))('train', 'list')

    assert.deepEqual([done.code, done.stdout], [0, ''])
    assert.match(done.stderr, /^Warning - .*kaos train deploy/)
  })

  it('an unknown workspace is answered with the nearest name and exit 3', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, WORKSPACES))

    const done = await kaosIn(connected(t, url))('workspace', 'set', '-n', 'mnits')

    assert.equal(done.code, 3)
    assert.match(done.stderr, /^Error - there is no workspace mnits; did you mean mnist\?\n$/)
  })

  it('Ctrl-C ends the waiting, not the job, and says how to end that', async t => {
    const { job, ...accepted } = {
      job: { ...row, state: 'JOB_RUNNING', duration: null, hyperopt: null },
      inputs: {
        image: { state: 'set', value: 'a' },
        data: { state: 'set', value: 'b' },
        hyperparams: { state: 'absent', value: null },
      },
      grid: null,
      build: null,
      unchanged: false,
      warnings: [],
    }
    let asked: () => void
    const waiting = new Promise<void>(resolve => {
      asked = resolve
    })
    const { url } = await play(t, ({ url }, response) => {
      if (url.endsWith('/workspaces')) return sendJson(response, WORKSPACES)
      if (url.endsWith('/train')) return sendJson(response, { ...accepted, job }, 202)
      if (url.endsWith('/server')) return sendProblem(response, 404, 'NOT_FOUND', 'no')
      sendJson(response, { job, models: [], pageCount: 1, pageId: 0 })
      asked()
    })
    const cwd = connected(t, url)

    const args = ['train', 'deploy', '--again', '--wait']
    const child = spawn(COMMAND, args, { cwd, env: OURS, stdio: ['ignore', 'ignore', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    const said = text(child.stderr)
    const ended = once(child, 'close')
    await waiting
    child.kill('SIGINT')
    const [code] = await ended

    assert.equal(code, 130)
    assert.match(await said, new RegExp(`goes on; end it with: kaos train kill -j ${row.jobId}`))
  })

  it('a token is shown once, with the line that its user types', async t => {
    const view = { id: 'i', user: 'anna', name: '', createdAt: '', expiresAt: null, revoked: false }
    const { url, seen } = await play(t, (_seen, response) =>
      sendJson(response, { token: 'kaos_new', view }, 201),
    )

    const kaos = kaosIn(connected(t, url))
    const made = await kaos('admin', 'token', 'create', '--user', 'anna', '--expires', '12h')
    const wrong = await kaos('admin', 'token', 'create', '--user', 'anna', '--expires', 'soon')

    assert.equal(made.code, 0)
    assert.ok(made.stdout.split('\n').includes(`kaos init -e ${url} -t kaos_new`))
    const sent = JSON.parse(seen[0]!.body.toString())
    assert.deepEqual(sent, { user: 'anna', expiresInSeconds: 43_200 })
    assert.equal(wrong.code, 2)
    assert.equal(seen.length, 1)
  })

  it('what is to be destroyed is asked for first', async t => {
    const endpoint = { name: 'serve-mnist-ae6466', state: 'PIPELINE_RUNNING', reason: null }
    const { url, seen } = await play(t, ({ url }, response) =>
      sendJson(response, url.endsWith('/workspaces') ? WORKSPACES : endpoint),
    )
    const folder = connected(t, url)
    const kill = ['serve', 'kill', '-e', 'serve-mnist']

    const declined = await kaosIn(folder, {}, 'n\n')(...kill)
    const before = seen.filter(one => one.method === 'POST').length
    const agreed = await kaosIn(folder)(...kill, '-y')

    assert.deepEqual([declined.code, before, agreed.code], [1, 0, 0])
    assert.match(declined.stderr, /Kill endpoint serve-mnist-ae6466\? \[y\/N\]/)
    assert.equal(agreed.stdout, 'Info - Successfully killed endpoint serve-mnist-ae6466\n')
    assert.match(seen.at(-1)?.url ?? '', /\/serve\/endpoints\/serve-mnist-ae6466\/kill$/)
  })
})

describe('without a server', () => {
  it('templates are listed and copied in place of what is there', async t => {
    const folder = temporary(t)
    const kaos = kaosIn(folder)
    mkdirSync(join(folder, 'templates/mnist'), { recursive: true })
    writeFileSync(join(folder, 'templates/mnist/stale'), '')

    const listed = await kaos('template', 'list')
    const got = await kaos('template', 'get', '--name', 'mnist')
    const unknown = await kaos('template', 'get', '-n', 'mnits')

    assert.match(listed.stdout, /\| ind \|\s+name\s+\|\s+description\s+\|\s+input_type\s+\|/)
    assert.equal(got.stdout, 'Info - Successfully loaded mnist template\n')
    assert.equal(existsSync(join(folder, 'templates/mnist/stale')), false)
    assert.ok(existsSync(join(folder, 'templates/mnist/model-train/mnist/Dockerfile')))
    assert.deepEqual([unknown.code, /did you mean mnist\?/.test(unknown.stderr)], [3, true])
  })

  it('a dry run measures the bundles and sends nothing', async t => {
    const folder = temporary(t)
    mkdirSync(join(folder, 'data/features'), { recursive: true })
    writeFileSync(join(folder, 'data/features/x.csv'), '1,2\n')

    const done = await kaosIn(folder)('train', 'deploy', '-d', 'data', '--dry-run')

    assert.equal(done.code, 0)
    assert.match(done.stdout, / ✔ data bundle: \/features:[0-9a-f]{5} \(1 file, 4 B\)/)
  })

  it('contexts are listed and chosen', async t => {
    const kaos = kaosIn(connected(t, NOWHERE))

    const listed = await kaos('build', 'list')
    const active = await kaos('build', 'active')
    const chosen = await kaos('build', 'set', '-i', '0')
    const unknown = await kaos('build', 'set', '-c', 'AWS_prod')

    assert.match(listed.stdout, /\| index \| context \| provider \|\s+env\s+\|/)
    assert.match(listed.stdout, /\|\s+0\s+\|\s+remote\s+\|\s+remote\s+\|\s+local\s+\|/)
    assert.equal(active.stdout, `Info - Active context: remote (${NOWHERE})\n`)
    assert.deepEqual([chosen.code, unknown.code], [0, 1])
  })

  it('settings are shown with where they came from, tokens masked', async t => {
    const folder = connected(t, NOWHERE)

    const done = await kaosIn(folder, { KAOS_TOKEN: 'kaos_very_secret' })('config', '--json')

    const { settings } = JSON.parse(done.stdout)
    const named = (name: string) =>
      settings.find((one: { setting: string }) => one.setting === name)
    assert.deepEqual(named('token'), { setting: 'token', value: 'kaos_ver…', from: 'KAOS_TOKEN' })
    assert.equal(named('endpoint').from, join(folder, '.kaos', 'config'))
  })
})
