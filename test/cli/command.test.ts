import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  connected,
  kaosIn,
  LOCAL,
  NOWHERE,
  play,
  sendJson,
  sendProblem,
  temporary,
} from './played-server.ts'

describe('help', () => {
  it('shows the banner and the commands in the order of the original', async t => {
    const kaos = kaosIn(temporary(t))

    const [bare, asked] = await Promise.all([kaos(), kaos('--help')])

    assert.equal(bare.code, 0)
    assert.equal(bare.stdout, asked.stdout)
    assert.equal(bare.stdout.split('\n').filter(line => /[█╚]/.test(line)).length, 6)
    const commands = bare.stdout.split('Commands:')[1] ?? ''
    const names = [...commands.matchAll(/^ {2}(\w+)/gm)].map(match => match[1])
    assert.deepEqual(names.slice(0, 7), [
      'build',
      'destroy',
      'init',
      'template',
      'workspace',
      'train',
      'serve',
    ])
  })

  it('of a command has an example; -h means hyperparameters there', async t => {
    const kaos = kaosIn(temporary(t))

    const [help, hyper] = await Promise.all([
      kaos('train', 'deploy', '--help'),
      kaos('train', 'deploy', '-h'),
    ])

    assert.equal(help.code, 0)
    assert.match(help.stdout, /EXAMPLES\n {2}\$ kaos train deploy -s /)
    assert.match(help.stdout, /-h, --hyperparams=/)
    assert.match(help.stdout, /--json .*\n.*--quiet/)
    assert.equal(hyper.code, 2)
    assert.match(hyper.stderr, /^Error - .*hyperparams.*\n$/)
  })

  it('of a group shows its commands, and --version the version', async t => {
    const kaos = kaosIn(temporary(t))

    const [group, version] = await Promise.all([kaos('admin'), kaos('--version')])

    assert.match(group.stdout, /user add .*\n.*user list/)
    assert.match(version.stdout, /^kaos \d+\.\d+\.\d+/)
  })
})

describe('wrong usage', () => {
  it('is one line on stderr and exit 2', async t => {
    const kaos = kaosIn(temporary(t))
    const wrong = [
      ['nonsense'],
      ['train', 'get', 'word'],
      ['train', 'get', '--no-such', '1'],
      ['train', 'get', '-i', '0', '-j', 'x'],
      ['train', 'deploy'],
      ['train', 'deploy', '-s', 'no/such/folder'],
      ['init'],
      ['init', '-e', 'ftp://x'],
    ]

    const all = await Promise.all(wrong.map(words => kaos(...words)))

    for (const [at, done] of all.entries()) {
      assert.equal(done.code, 2, `${wrong[at]}: ${done.stderr}`)
      assert.match(done.stderr, /^Error - [^\n]+\n$/, String(wrong[at]))
      assert.equal(done.stdout, '')
    }
  })

  it('with --json is an object on stdout as well', async t => {
    const done = await kaosIn(temporary(t))('train', 'get', '--json')

    assert.equal(done.code, 1)
    assert.equal(JSON.parse(done.stdout).error.code, 'BAD_REQUEST')
    assert.match(done.stderr, /^Error - Missing either -j\/--job_id or -i\/--ind/)
  })
})

describe('before a command, what is missing is named with the command to run', () => {
  it('the connection, the server, the workspace', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, { workspaces: [] }))
    const empty = temporary(t)
    mkdirSync(join(empty, '.kaos'))

    const [none, config, server, workspace] = await Promise.all([
      kaosIn(temporary(t))('train', 'list'),
      kaosIn(empty)('train', 'list'),
      kaosIn(connected(t, NOWHERE))('train', 'list'),
      kaosIn(connected(t, url))('train', 'list'),
    ])

    assert.deepEqual(
      [none, config, server, workspace].map(done => done.code),
      [1, 1, 1, 1],
    )
    assert.match(none.stderr, /^Warning - .*kaos init/)
    assert.match(config.stderr, /^Warning - .*kaos init/)
    assert.match(server.stderr, /^Error - cannot reach http:\/\/127\.0\.0\.1:9.*kaos up/)
    assert.match(workspace.stderr, /^Warning - workspace mnist .*kaos workspace list/)
  })

  it('a token that is not known ends with exit 4', async t => {
    const { url } = await play(t, (_seen, response) =>
      sendProblem(response, 401, 'AUTHORIZATION_FAILURE', 'Unauthorized token'),
    )

    const done = await kaosIn(connected(t, url))('train', 'list')

    assert.equal(done.code, 4)
    assert.match(done.stderr, /Unauthorized token/)
  })
})

describe('kaos init', () => {
  it('asks a server on this machine for no token', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, LOCAL))
    const folder = temporary(t)

    const done = await kaosIn(folder)('init', '-e', `${url}/api/`)

    assert.equal(done.code, 0)
    assert.equal(done.stdout, `Info - kaos successfully connected to ${url}\n`)
    const file = join(folder, '.kaos', 'config')
    assert.match(readFileSync(file, 'utf8'), /user = jfriedman/)
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('asks for the token of another server, and tries it', async t => {
    const { url, seen } = await play(t, ({ headers }, response) => {
      const { actor, ...open } = LOCAL
      const known = headers.authorization === 'Bearer kaos_right'
      sendJson(response, { ...open, local: false, ...(known ? { actor } : {}) })
    })
    const folder = temporary(t)

    const wrong = await kaosIn(folder, {}, 'kaos_wrong\n')('init', '-e', url)
    const written = existsSync(join(folder, '.kaos'))
    const right = await kaosIn(folder, {}, 'kaos_right\n')('init', '-e', url)

    assert.deepEqual([wrong.code, written, right.code], [4, false, 0])
    assert.match(wrong.stderr, /Token: /)
    assert.doesNotMatch(wrong.stdout + wrong.stderr, /kaos_wrong/)
    assert.equal(seen.at(-1)?.headers.authorization, 'Bearer kaos_right')
    assert.match(readFileSync(join(folder, '.kaos/config'), 'utf8'), /token = kaos_right/)
  })

  it('notes the connection with a warning when nobody answers', async t => {
    const folder = temporary(t)

    const done = await kaosIn(folder)('init', '-e', NOWHERE)

    assert.equal(done.code, 0)
    assert.match(done.stderr, /^Warning - cannot reach http:\/\/127\.0\.0\.1:9/)
    assert.match(
      readFileSync(join(folder, '.kaos/config'), 'utf8'),
      /url = http:\/\/127\.0\.0\.1:9/,
    )
  })

  it('notes nothing when something else than kaos answers', async t => {
    const { url } = await play(t, (_seen, response) => response.end('<h1>hello</h1>'))
    const folder = temporary(t)

    const done = await kaosIn(folder)('init', '-e', url)

    assert.equal(done.code, 1)
    assert.match(done.stderr, /^Error - .* not as kaos does/)
    assert.equal(existsSync(join(folder, '.kaos')), false)
  })

  it('writes a configuration that cannot be read anew when it is forced to', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, LOCAL))
    const folder = connected(t, NOWHERE)
    writeFileSync(join(folder, '.kaos/config'), 'nonsense')
    const kaos = kaosIn(folder)

    const broken = await kaos('train', 'list')
    const mended = await kaos('init', '-e', url, '--force')

    assert.deepEqual([broken.code, mended.code], [2, 0])
    assert.match(broken.stderr, /line 1 .*kaos init/)
  })

  it('asks before it overwrites, and takes no answer as no', async t => {
    const { url } = await play(t, (_seen, response) => sendJson(response, LOCAL))
    const folder = connected(t, NOWHERE)
    const file = join(folder, '.kaos/config')
    const before = readFileSync(file, 'utf8')

    const silent = await kaosIn(folder)('init', '-e', url)
    const kept = readFileSync(file, 'utf8')
    const agreed = await kaosIn(folder, {}, 'y\n')('init', '-e', url)

    assert.equal(silent.code, 1)
    assert.match(silent.stderr, /Aborting - /)
    assert.equal(kept, before)
    assert.equal(agreed.code, 0)
    assert.match(readFileSync(file, 'utf8'), new RegExp(url))
  })
})

describe('an index', () => {
  const jobs = (...ids: string[]) =>
    ids.map(jobId => ({ jobId, state: 'JOB_SUCCESS', kind: 'train' }))

  async function played(t: import('node:test').TestContext) {
    let training = jobs('newest', 'older')
    const asked: string[] = []
    const { url } = await play(t, ({ url, method }, response) => {
      const path = url.replace(/^.*\/api\/v1/, '').replace(/\?.*/, '')
      if (path === '/workspaces') return sendJson(response, { workspaces: [{ name: 'mnist' }] })
      if (path.endsWith('/train'))
        return sendJson(response, { ingesting: [], building: [], training })
      if (/\/jobs\/\w+\/logs$/.test(path)) return void response.end('log\n')
      if (path.includes('/jobs/')) asked.push(`${method} ${path}`)
      const [jobId = ''] = /\w+$/.exec(path) ?? []
      return sendJson(response, { job: { jobId, state: 'JOB_SUCCESS' }, models: [] })
    })
    const kaos = kaosIn(connected(t, url))
    const change = (...ids: string[]) => {
      training = jobs(...ids)
    }
    return { kaos, asked, change }
  }

  it('without a listing is of one that is made now, and what it stands for is said', async t => {
    const { kaos, asked, change } = await played(t)

    const first = await kaos('train', 'logs', '-i', '0')
    change('later', 'newest', 'older')
    const second = await kaos('train', 'logs', '-i', '1')

    assert.match(first.stderr, /nothing was listed since the last change: -i 0 is job newest/)
    assert.doesNotMatch(second.stderr, /nothing was listed/)
    assert.deepEqual(asked, [
      'GET /workspaces/mnist/jobs/newest',
      'GET /workspaces/mnist/jobs/older',
    ])
  })

  it('that is beyond the listing is refused', async t => {
    const { kaos } = await played(t)

    const { code, stderr } = await kaos('train', 'logs', '-i', '2')

    assert.equal(code, 1)
    assert.match(stderr, /index 2 does not exist; the last listing has 0 to 1/)
  })

  it('of what nobody has seen kills nothing', async t => {
    const { kaos, asked } = await played(t)

    const { code, stderr } = await kaos('train', 'kill', '-i', '0')

    assert.equal(code, 1)
    assert.match(stderr, /there is no listing to take index 0 from; run kaos train list/)
    assert.deepEqual(asked, [])
  })
})
