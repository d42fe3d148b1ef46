import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { cli, type Done, type Server, startServer } from './kaos.ts'

/** A folder with a source bundle `code` and a data bundle `data`, both sound. */
function bundles(work: string, train = GOOD): void {
  rmSync(join(work, 'code'), { recursive: true, force: true })
  rmSync(join(work, 'data'), { recursive: true, force: true })
  const model = join(work, 'code', 'one', 'model')
  mkdirSync(model, { recursive: true })
  mkdirSync(join(work, 'data', 'features'), { recursive: true })
  writeFileSync(join(work, 'data', 'features', 'x.csv'), '1,2\n')
  writeFileSync(join(work, 'code', 'one', 'Dockerfile'), 'FROM scratch\n')
  writeFileSync(join(model, 'train'), train)
  chmodSync(join(model, 'train'), 0o755)
}

const GOOD = '#!/bin/sh\nmkdir -p "$1/model" && echo m > "$1/model/m"\n'

function refused(done: Done, exit: number, message: RegExp): void {
  assert.equal(done.code, exit, `${done.stdout}\n${done.stderr}`)
  assert.match(done.stderr, message)
  assert.doesNotMatch(done.stderr, /\n\s+at .*[:(]\d+/, 'no stack')
}

describe('bad input gets a clear error and leaves nothing half done', () => {
  let data: string
  let work: string
  let server: Server
  let kaos: ReturnType<typeof cli>
  const deploy = (...more: string[]) =>
    kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--wait', ...more)

  before(async () => {
    data = mkdtempSync(join(tmpdir(), 'kaos-e2e-'))
    work = mkdtempSync(join(tmpdir(), 'kaos-e2e-'))
    server = await startServer(data, { env: { KAOS_READY_TIMEOUT: '3' } })
    kaos = cli(work)
    await kaos('init', '-e', server.url)
    await kaos('workspace', 'create', '-n', 'bad')
  })
  after(async () => {
    await server.stop()
    rmSync(data, { recursive: true, force: true })
    rmSync(work, { recursive: true, force: true })
  })

  it('refuses a bundle with no folder, two folders, or nothing', async () => {
    bundles(work)
    mkdirSync(join(work, 'data', 'second'))
    refused(await deploy(), 1, /2 folders \(features, second\)/)
    mkdirSync(join(work, 'empty'))
    refused(await kaos('train', 'deploy', '-s', 'empty'), 1, /source bundle empty is empty/)
    refused(await kaos('train', 'deploy', '-s', 'code/one'), 1, /inner folder of a bundle/)
    rmSync(join(work, 'data', 'second'), { recursive: true })
    rmSync(join(work, 'data', 'features', 'x.csv'))
    refused(await deploy(), 1, /features.*(empty|no file)/)
  })

  it('refuses a program that is missing, not executable or without a first line', async () => {
    bundles(work)
    chmodSync(join(work, 'code/one/model/train'), 0o644)
    refused(await deploy(), 1, /train.*chmod \+x/s)
    bundles(work, 'print(1)\n')
    refused(await deploy(), 1, /train.*#!/s)
    rmSync(join(work, 'code/one/model/train'))
    refused(await deploy(), 1, /model\/train/)
    bundles(work)
    refused(await kaos('serve', 'deploy', '-s', 'code'), 1, /model\/serve/)
  })

  it('refuses links that leave the bundle, devices and sockets, and names the path', async () => {
    bundles(work)
    symlinkSync('/etc/passwd', join(work, 'data/features/leak'))
    refused(await deploy(), 1, /leak/)
    rmSync(join(work, 'data/features/leak'))
    execFileSync('mkfifo', [join(work, 'data/features/pipe')])
    refused(await deploy(), 1, /pipe/)
  })

  it('takes any name that a file system takes, and gives it back', async () => {
    bundles(work)
    const features = join(work, 'data/features')
    const names = ['a b', 'c:d', 'e\nf', 'Ωμέγα', 'данные', '数据', 'Case', 'case', 'x'.repeat(255)]
    for (const name of names) writeFileSync(join(features, name), name)
    linkSync(join(features, 'x.csv'), join(features, 'hard'))
    symlinkSync('x.csv', join(features, 'inside'))

    const done = await deploy('--json')
    assert.equal(done.code, 0, done.stderr)
    const { job } = JSON.parse(done.stdout)
    await kaos('train', 'get', '-j', job.jobId, '-d')

    const got = join(work, 'bad', job.jobId, 'data')
    const folder = execFileSync('ls', [got]).toString().trim()
    for (const name of names) assert.equal(readFileSync(join(got, folder, name), 'utf8'), name)
    assert.equal(readFileSync(join(got, folder, 'hard'), 'utf8'), '1,2\n')
    assert.equal(readFileSync(join(got, folder, 'inside'), 'utf8'), '1,2\n')
  })

  it('refuses a grid that is not an object of lists', async () => {
    bundles(work)
    for (const [text, why] of [
      ['[1]', /object/],
      ['{"a": 1}', /a\b.*list/],
      ['{"a": []}', /a\b.*(empty|no value)/],
      ['{nonsense', /JSON/],
    ] as const) {
      writeFileSync(join(work, 'grid.json'), text)
      refused(await deploy('-h', 'grid.json'), 1, why)
    }
  })

  it('refuses more cpu, memory or gpu than the host has, and malformed amounts', async () => {
    bundles(work)
    refused(await deploy('--cpu', '9999'), 1, /9999/)
    refused(await deploy('--memory', '900Pi'), 1, /900Pi|memory/i)
    refused(await deploy('--memory', 'lots'), 1, /lots/)
    refused(await deploy('--gpu', '64'), 1, /64/)
  })

  it('says what is unknown: index, id, workspace, metric', async () => {
    bundles(work)
    const { job } = JSON.parse((await deploy('--json')).stdout)
    await kaos('train', 'list')
    refused(await kaos('train', 'info', '-i', '77'), 1, /77.*list/s)
    refused(await kaos('train', 'info', '-j', 'ffffffff'), 3, /ffffffff/)
    refused(await kaos('train', 'info', '-j', job.jobId, '--sort_by', 'nope'), 3, /nope/)
    refused(await kaos('train', 'provenance', '-m', 'nope'), 3, /nope/)
    refused(await kaos('serve', 'get', '-e', 'serve-none'), 3, /serve-none/)
    refused(await kaos('workspace', 'set', '-n', 'bda'), 3, /bad/)
    refused(await kaos('train', 'info', '-i', '0', '-j', 'x'), 2, /./)
  })

  it('tells a failed training with its exit code, and gives code, data and log back', async () => {
    bundles(work, '#!/bin/sh\necho the reason is here\nexit 7\n')
    const done = await deploy('--json')
    assert.equal(done.code, 5, done.stdout + done.stderr)
    const list = JSON.parse((await kaos('train', 'list', '--json')).stdout)
    const failed = list.training[0]
    assert.equal(failed.state, 'JOB_FAILURE')
    assert.match(failed.reason, /exit code 7/)
    const logs = await kaos('train', 'logs', '-j', failed.jobId)
    assert.match(logs.stdout, /\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] the reason is here/)
    assert.equal((await kaos('train', 'get', '-j', failed.jobId, '-cd')).code, 0)
  })

  it('fails a training that writes nothing, and warns of metrics that are no JSON', async () => {
    bundles(work, '#!/bin/sh\nexit 0\n')
    refused(await deploy(), 5, /wrote nothing/)
    bundles(
      work,
      '#!/bin/sh\nmkdir -p "$1/model" "$1/metrics"\necho m > "$1/model/m"\necho "{oops" > "$1/metrics/metrics.json"\n',
    )
    const { job } = JSON.parse((await deploy('--json')).stdout)
    const info = JSON.parse((await kaos('train', 'info', '-j', job.jobId, '--json')).stdout)
    assert.equal(info.job.state, 'JOB_SUCCESS')
    assert.match(JSON.stringify(info.models[0].warnings), /metrics\.json/)
  })

  it('kills a training that hangs, keeps it as JOB_KILLED, and refuses to kill it twice', async () => {
    bundles(work, '#!/bin/sh\necho hanging\nsleep 1000\n')
    const { job } = JSON.parse(
      (await kaos('train', 'deploy', '-s', 'code', '-d', 'data', '--json')).stdout,
    )
    for (;;) {
      const { training } = JSON.parse((await kaos('train', 'list', '--json')).stdout)
      if (training[0].state === 'JOB_RUNNING') break
    }

    assert.match((await kaos('train', 'kill', '-j', job.jobId)).stdout, /successfully killed/)

    for (;;) {
      const { training } = JSON.parse((await kaos('train', 'list', '--json')).stdout)
      if (training[0].state === 'JOB_KILLED') break
      assert.match(training[0].state, /JOB_(RUNNING|STARTING)/)
    }
    refused(await kaos('train', 'kill', '-j', job.jobId), 1, /not running/)
    refused(await kaos('train', 'kill', '-j', 'f'.repeat(32)), 3, /no job/i)
  })

  it('fails a service that never answers, with its log', async () => {
    bundles(work)
    cpSync(join(work, 'code'), join(work, 'service'), { recursive: true })
    const serve = join(work, 'service/one/model/serve')
    writeFileSync(serve, '#!/bin/sh\necho waiting for nothing\nsleep 1000\n')
    chmodSync(serve, 0o755)

    const done = await kaos('serve', 'deploy', '-s', 'service', '--wait')

    refused(done, 5, /answer/)
    const name = /serve-bad-[0-9a-f]{6}/.exec(done.stdout + done.stderr)?.[0] ?? ''
    assert.match((await kaos('serve', 'logs', '-e', name)).stdout, /waiting for nothing/)
  })

  it('says that the server cannot be reached, that a token is wrong, and that it is not kaos', async () => {
    const other = mkdtempSync(join(tmpdir(), 'kaos-e2e-'))
    const lost = cli(other)
    try {
      await lost('init', '-e', 'http://127.0.0.1:9', '--force')
      refused(await lost('workspace', 'list'), 1, /cannot reach http:\/\/127\.0\.0\.1:9/)
      refused(await lost('init', '-e', server.url, '-t', 'kaos_wrong', '--force'), 4, /token/i)
      refused(await cli(join(other, '..'))('train', 'list'), 1, /kaos init/)
    } finally {
      rmSync(other, { recursive: true, force: true })
    }
  })

  it('refuses a file that changes while it is read', async () => {
    bundles(work)
    const growing = join(work, 'data/features/growing')
    writeFileSync(growing, Buffer.alloc(64 << 20))
    const timer = setInterval(() => appendFileSync(growing, 'x'), 1)

    const done = await deploy().finally(() => clearInterval(timer))

    refused(done, 1, /growing.*chang/s)
  })
})
