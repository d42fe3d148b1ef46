/* Workers as processes of their own, as on other hosts: started by `kaos worker`, frozen, ended. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobView, ServeList, WorkerList } from '../../api/wire.ts'
import { serviceNamed } from '../runners/fixture.ts'
import { cli, folder, root, startServer } from './kaos.ts'

const PATIENCE_MS = 120_000

async function until<T>(what: string, ask: () => Promise<T | undefined> | T | undefined) {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; await sleep(100)) {
    const answer = await ask()
    if (answer) return answer as NonNullable<T>
  }
  throw new Error(`it did not come to this: ${what}`)
}

function writeFiles(base: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(base, name)), { recursive: true })
    writeFileSync(join(base, name), text, { mode: 0o755 })
  }
}

/** A server without a worker, and an administrator's CLI in a folder with a workspace. */
async function installation(t: TestContext) {
  const server = await startServer(folder(t), { env: { KAOS_NO_WORKER: '1' } })
  t.after(() => server.stop())
  const work = folder(t)
  const kaos = cli(work)
  const good = async (...args: string[]): Promise<string> => {
    const done = await kaos(...args)
    assert.equal(done.code, 0, `kaos ${args.join(' ')}\n${done.stdout}\n${done.stderr}`)
    return done.stdout
  }
  await good('init', '-e', server.url)
  await good('workspace', 'create', '-n', 'team')
  const get = async <T>(path: string): Promise<T> =>
    (await fetch(`${server.url}/api/v1${path}`)).json() as Promise<T>
  const tokenFor = async (name: string) =>
    (JSON.parse(await good('admin', 'worker', 'token', name, '--json')) as { token: string }).token
  return { server, work, good, get, tokenFor }
}

interface Started {
  readonly process: ChildProcess
  said(): string
}

function follow(t: TestContext, child: ChildProcess, signal: NodeJS.Signals): Started {
  let said = ''
  child.stderr?.on('data', piece => {
    said += piece
  })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  t.after(async () => {
    child.kill('SIGCONT')
    child.kill(signal)
    await ended
  })
  return { process: child, said: () => said }
}

/** The worker's own process, so that it can be frozen. */
function startWorker(t: TestContext, url: string, token: string): Started {
  const { HOME = '', PATH = '' } = process.env
  const env = { HOME, PATH, KAOS_SERVER: url, KAOS_WORKER_TOKEN: token, KAOS_RUNNER: 'process' }
  const child = spawn(process.execPath, [join(root, 'runners', 'main.ts')], {
    env: { ...env, KAOS_DATA: folder(t) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return follow(t, child, 'SIGKILL')
}

/** Whether a process with this in its command line lives. */
function lives(marker: string): boolean {
  return readdirSync('/proc').some(pid => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker)
    } catch {
      return false
    }
  })
}

test('what a frozen worker made is refused once another has finished, and it stops what it runs', async t => {
  const { server, work, good, get, tokenFor } = await installation(t)
  const marks = folder(t)
  const forever = `3600.${process.pid}`
  // At its first start one point ends well while its worker is frozen, and the other never ends.
  const train = `#!/bin/sh
point=$(basename "$KAOS_HYPER"/*/*.json .json)
mkdir -p "$1/model"
if mkdir "${marks}/$point" 2>/dev/null; then
  echo first > "$1/model/who"
  [ "$point" = n=1 ] || exec sleep ${forever}
  while [ ! -e ${marks}/go ]; do sleep 0.1; done
else
  echo second > "$1/model/who"
fi
`
  writeFiles(work, {
    'code/toy/Dockerfile': 'FROM scratch\nCOPY . /opt/program\n',
    'code/toy/model/train': train,
    'data/features/a.csv': '1\n',
    'grid.json': '{"n": [1, 2]}',
  })
  const frozen = startWorker(t, server.url, await tokenFor('one'))
  await good('train', 'deploy', '-s', 'code', '-d', 'data', '-h', 'grid.json', '-p', '2')
  await until('both points run', () =>
    ['n=1', 'n=2'].every(name => readdirSync(marks).includes(name)),
  )
  const jobOf = () => get<JobView>('/workspaces/team/jobs/@latest')
  await until('the server knows', async () => (await jobOf()).job.state === 'JOB_RUNNING')

  frozen.process.kill('SIGSTOP')
  writeFileSync(join(marks, 'go'), '')
  const other = startWorker(t, server.url, await tokenFor('two'))
  const before = await until('the other finishes', async () => {
    const view = await jobOf()
    return view.job.state === 'JOB_SUCCESS' ? view : undefined
  })
  const wasAlive = lives(forever)
  frozen.process.kill('SIGCONT')
  await until('the first gives both up', () => frozen.said().match(/is given up/g)?.length === 2)
  await until('its program is gone', () => !lives(forever))
  const after = await jobOf()
  await good('train', 'get', '-j', '@latest', '-m')
  const written = readdirSync(work, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('/who'))
    .map(path => readFileSync(join(work, path), 'utf8'))

  assert.ok(wasAlive)
  assert.deepEqual(after, before)
  assert.deepEqual(written, ['second\n', 'second\n'], other.said())
  assert.deepEqual(
    after.models.map(({ run }) => [run?.worker, run?.attempt]),
    [
      ['two', 2],
      ['two', 2],
    ],
  )
})

test('kaos worker trains and serves for a server that runs nothing itself', async t => {
  const { server, work, good, get, tokenFor } = await installation(t)
  writeFileSync(join(work, 'token'), await tokenFor('gpu1'))
  writeFiles(work, {
    'code/toy/Dockerfile': 'FROM scratch\nCOPY . /opt/program\n',
    'code/toy/model/serve': serviceNamed('first'),
  })
  const data = folder(t)
  const child = spawn(
    join(root, 'cli', 'kaos'),
    [
      'worker',
      '--token-file',
      'token',
      '--labels',
      'gpu,bigmem',
      '--runner',
      'process',
      '--data',
      data,
    ],
    { cwd: work, stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const worker = follow(t, child, 'SIGTERM')
  const rows = async () => (await get<WorkerList>('/admin/workers')).workers
  const row = await until('it is heard of', async () =>
    (await rows()).find(({ state }) => state === 'ready'),
  )

  await good('serve', 'deploy', '-s', 'code', '--label', 'bigmem', '--wait')
  const list = await get<ServeList>('/workspaces/team/serve')
  const answer = await fetch(`${server.url}/${list.running[0]!.name}/`)
  const body = await answer.text()
  await good('admin', 'worker', 'retire', 'gpu1', '--yes')
  const last = await until('it is let in no more', async () =>
    /valid token is needed/.test(worker.said()) ? rows() : undefined,
  )

  assert.deepEqual([row.name, row.labels], ['gpu1', ['gpu', 'bigmem']])
  assert.deepEqual([answer.status, body], [200, 'first'])
  assert.deepEqual(
    last.map(({ state, running }) => [state, running]),
    [['retired', 0]],
  )
})
