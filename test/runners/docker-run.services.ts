/* What running promises beyond the suite that every runner passes, on the real engine. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { openDockerRunner } from '../../runners/docker/docker.ts'
import { openOutput } from '../../runners/docker/readable.ts'
import {
  type Attempt,
  attemptOf,
  type DockerFixture,
  type Image,
  openDockerFixture,
  programDockerfile,
  RUNS_CODE,
} from './docker-fixture.ts'
import { logOf, type Prepared, startAndDie } from './fixture.ts'

const MEBIBYTE = 1024 * 1024

let fixture: DockerFixture
let plain: Prepared & { built: Image }
before(async () => {
  fixture = await openDockerFixture()
  const files = { train: RUNS_CODE, serve: RUNS_CODE }
  plain = await fixture.prepare({ dockerfile: programDockerfile(fixture.small), files })
})
after(() => fixture?.close())

interface Outcome extends Attempt {
  readonly exit: Awaited<Awaited<ReturnType<DockerFixture['runner']['run']>>['exit']>
  readonly log: string
}

async function ran(
  t: TestContext,
  code: string,
  more: Parameters<typeof attemptOf>[3] & { image?: Prepared } = {},
): Promise<Outcome> {
  const attempt = await attemptOf(t, fixture, more.image ?? plain, { ...more, code })
  const running = await fixture.runner.run(attempt.order, attempt.place)
  const exit = await running.exit
  return { ...attempt, exit, log: await logOf(fixture.runner, attempt.place) }
}

/** The log without its stamps. */
function linesOf({ log }: Outcome): string[] {
  return log
    .trimEnd()
    .split('\n')
    .map(line => line.slice(22))
}

describe('the box of a training', () => {
  it('is nobody, without capabilities or new privileges, and alone with its processes', async t => {
    const code = `
status = open("/proc/self/status").read()
for name in ("Uid", "Gid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp"):
    print([line for line in status.splitlines() if line.startswith(name + ":")][0].split())
print(os.environ["HOME"], len([p for p in os.listdir("/proc") if p.isdigit()]))`

    const lines = linesOf(await ran(t, code))

    assert.match(lines[0]!, /'65534', '65534', '65534', '65534'/)
    assert.match(lines[1]!, /'65534', '65534', '65534', '65534'/)
    assert.match(lines[2]!, /'0000000000000000'/)
    assert.match(lines[3]!, /'0000000000000000'/)
    assert.match(lines[4]!, /'1'/)
    assert.match(lines[5]!, /'2'/)
    assert.equal(lines[6], '/tmp 2')
  })

  it('has no network unless the Dockerfile declares it', async t => {
    const code = 'print(sorted(os.listdir("/sys/class/net")))'
    const dockerfile = programDockerfile(fixture.small, 'LABEL kaos.network=on')
    const open = await fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

    const closed = linesOf(await ran(t, code))
    const declared = linesOf(await ran(t, code, { image: open }))

    assert.deepEqual(closed, ["['lo']"])
    assert.deepEqual(declared, ["['eth0', 'lo']"])
    assert.deepEqual(open.image.labels, { 'kaos.network': 'on' })
  })

  it('is root only where the Dockerfile declares it, not where it only says USER root', async t => {
    const files = { train: RUNS_CODE }
    const said = programDockerfile(fixture.small, 'USER root')
    const declared = programDockerfile(fixture.small, 'LABEL kaos.user=root')
    const own = programDockerfile(fixture.small, 'USER 1234:1234')
    const code = 'print(os.getuid())'

    const uids: string[] = []
    for (const dockerfile of [said, declared, own]) {
      const image = await fixture.prepare({ dockerfile, files })
      uids.push(...linesOf(await ran(t, code, { image })))
    }

    assert.deepEqual(uids, ['65534', '0', '1234'])
  })

  it('writes nothing into its data as root either: a worker links those files', async t => {
    const dockerfile = programDockerfile(fixture.small, 'LABEL kaos.user=root')
    const image = await fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })
    const code = `
path = "/pfs/data/features:9fd9d/a.csv"
for what in (lambda: open(path, "r+"), lambda: os.chmod(path, 0o666), lambda: os.utime(path),
             lambda: os.remove(path), lambda: os.truncate(path, 0)):
    try:
        what()
        print("done")
    except OSError as error:
        print(error.strerror)`

    const lines = linesOf(await ran(t, code, { image }))

    assert.deepEqual(lines, Array(5).fill('Read-only file system'))
  })

  it('is not root under another name either', async t => {
    const made = 'RUN echo toor:x:0:0::/:/bin/sh >> /etc/passwd\nUSER toor'
    const dockerfile = programDockerfile(fixture.small, made)
    const image = await fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

    const { exit } = await ran(t, 'print("ran")', { image })

    assert.equal(exit.state, 'failed')
    assert.match(exit.reason ?? '', /user toor of the image is root.*LABEL kaos\.user=root/)
  })

  it('shows data with a colon in its name read-only, and nothing else of the host', async t => {
    const code = `
print(sorted(os.listdir("/pfs")), os.listdir("/pfs/data"), os.listdir("/pfs/hyper"))
print(open("/pfs/data/features:9fd9d/a.csv").read().strip())
for path in ("/pfs/data/features:9fd9d/new", "/pfs/hyper/new", "/etc/new", "/new"):
    try:
        open(path, "w")
        print("wrote", path)
    except OSError:
        pass
print(os.path.exists("/var/run/docker.sock"))`

    const outcome = await ran(t, code)

    assert.deepEqual(linesOf(outcome), [
      "['data', 'hyper', 'out'] ['features:9fd9d'] ['params.null']",
      '1,2',
      'False',
    ])
    assert.deepEqual(await readdir(outcome.order.data[0]!.path), ['a.csv'])
  })

  it('ends what takes more memory than was asked for, and says what to do', async t => {
    const code = 'x = bytearray(500 * 1024 * 1024)\nprint(len(x))'

    const { exit } = await ran(t, code, { resources: { memoryBytes: 64 * MEBIBYTE } })

    assert.equal(exit.state, 'failed')
    assert.equal(exit.outOfMemory, true)
    assert.equal(exit.exit, 137)
    assert.match(exit.reason ?? '', /limit 64 MiB.*--memory/)
  })

  it('bounds processes, processor time, scratch space and the log of the engine', async t => {
    const code = `
import time
children = []
try:
    while True:
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        children.append(pid)
except OSError as error:
    print("no more processes", 3500 < len(children) < 4100)
for pid in children:
    os.kill(pid, 9)
print(os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize)`
    const resources = { cpu: 0.5, memoryBytes: 2048 * MEBIBYTE }

    const attempt = await attemptOf(t, fixture, plain, { code, resources })
    const running = await fixture.runner.run(attempt.order, attempt.place)
    const found = await fixture.docker.getContainer(`kaos-${attempt.place.attempt}`).inspect()
    await running.exit

    const log = await logOf(fixture.runner, attempt.place)
    assert.match(log, /no more processes True\n/)
    assert.match(log, /\] 1073741824\n/)
    assert.equal(found.HostConfig.NanoCpus, 5e8)
    assert.equal(found.HostConfig.MemorySwap, found.HostConfig.Memory)
    assert.equal(found.HostConfig.LogConfig?.Config['max-size'], '400m')
  })

  it('refuses limits that the engine does not take, as a failure with the engine’s words', async t => {
    const { exit } = await ran(t, 'pass', { resources: { memoryBytes: MEBIBYTE } })

    assert.equal(exit.state, 'failed')
    assert.match(exit.reason ?? '', /memory/i)
  })

  it('lets a worker that is not root read and remove what the program closed', async t => {
    const code = `
os.makedirs("/pfs/out/b82151/model", mode=0o700)
os.close(os.open("/pfs/out/b82151/model/closed", os.O_CREAT | os.O_WRONLY, 0o600))
os.chmod("/pfs/out/b82151", 0o700)`
    const { place, order } = await ran(t, code)
    const before = await stat(join(order.out, 'b82151', 'model', 'closed'))

    const ended = await fixture.docker.getContainer(`kaos-${place.attempt}`).inspect()
    await openOutput({ docker: fixture.docker } as never, ended)

    assert.equal(before.uid, 65534)
    assert.equal(before.mode & 0o777, 0o600)
    assert.equal((await stat(join(order.out, 'b82151', 'model', 'closed'))).mode & 0o777, 0o666)
    assert.equal((await stat(join(order.out, 'b82151', 'model'))).mode & 0o777, 0o777)
  })
})

describe('a program that cannot be started', () => {
  const cases: [string, Record<string, string>, string, RegExp][] = [
    ['is not executable', { train: RUNS_CODE }, 'RUN chmod 0644 train', /not executable.*chmod/],
    [
      'is no program but a folder',
      { 'train/x': 'x' },
      '',
      /no program \.\/train in \/opt\/program/,
    ],
    ['has Windows line ends', { train: '#!/bin/sh\r\necho\r\n' }, '', /carriage return/],
    ['names an interpreter that is not there', { train: '#!/opt/python9\n' }, '', /\/opt\/python9/],
  ]
  for (const [title, files, more, reason] of cases) {
    it(`is told why: it ${title}`, async t => {
      const dockerfile = programDockerfile(fixture.small, more)
      const image = await fixture.prepare({ dockerfile, files })

      const { exit, place } = await ran(t, '', { image })

      assert.equal(exit.state, 'failed')
      assert.match(exit.reason ?? '', reason)
      assert.deepEqual(await (await fixture.runner.adopt(place))?.exit, exit)
      await assert.rejects(fixture.docker.getContainer(`kaos-${place.attempt}`).inspect())
    })
  }

  it('follows links, and passes over an entrypoint of the image', async t => {
    const more =
      'RUN mkdir /code && mv train /code/real && ln -s /code/real train\nENTRYPOINT ["false"]'
    const dockerfile = programDockerfile(fixture.small, more)
    const image = await fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

    const { exit } = await ran(t, 'pass', { image })

    assert.equal(exit.state, 'succeeded', exit.reason)
  })

  it('is the host’s lack where GPUs are asked for and there are none', async t => {
    const { order, place } = await attemptOf(t, fixture, plain, { resources: { gpu: 1 } })

    const running = fixture.runner.run(order, place)

    await assert.rejects(running, {
      code: 'RUNNER_UNAVAILABLE',
      message: /1 GPU was asked for, and this host has none/,
    })
    assert.equal(await fixture.runner.adopt(place), undefined)
  })

  it('is the set-up’s fault where the engine does not see the folders', async t => {
    const { order, place } = await attemptOf(t, fixture, plain)
    const elsewhere = [{ name: 'features:9fd9d', path: '/nowhere-on-the-host/data' }]

    const running = fixture.runner.run({ ...order, data: elsewhere }, place)

    await assert.rejects(running, { code: 'RUNNER_UNAVAILABLE', message: /run both on one host/ })
    await assert.rejects(stat('/nowhere-on-the-host'))
  })
})

describe('images', () => {
  it('come back from their layout when the engine has lost them, as the same image', async t => {
    const { built, image } = await fixture.prepare({
      dockerfile: programDockerfile(fixture.small, 'RUN echo once > /once'),
      files: { train: RUNS_CODE },
    })
    await fixture.docker.getImage(String(built.environment.imageId)).remove({ force: true })
    let asked = 0
    const layout = async () => {
      asked++
      return built.folder
    }

    const code = 'print(open("/once").read())'
    const first = await ran(t, code, { image: { image, layout } })
    const second = await ran(t, code, { image: { image, layout } })

    assert.equal(first.exit.state, 'succeeded', first.exit.reason)
    assert.equal(second.exit.state, 'succeeded')
    assert.equal(asked, 1)
    const pinned = await fixture.docker.getImage(`kaos/pin:${built.manifest?.slice(7)}`).inspect()
    assert.equal(pinned.Id, built.environment.imageId)
  })

  it('are refused when the layout holds another manifest, or a changed config', async t => {
    const unknown = `sha256:${randomBytes(32).toString('hex')}` as const
    const { order, place } = await attemptOf(t, fixture, plain)

    const running = fixture.runner.run(
      { ...order, image: { ...order.image, manifest: unknown } },
      place,
    )

    await assert.rejects(running, { code: 'OBJECT_DAMAGED', message: /manifest/ })
  })
})

describe('endings', () => {
  it('is stopped when it was asked to end, also when it then ends with 0', async t => {
    const code = `
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("ready", flush=True)
time.sleep(600)`
    const { order, place } = await attemptOf(t, fixture, plain, { code })
    const running = await fixture.runner.run(order, place)
    await until(fixture, place, 'ready')

    await fixture.runner.stop(place, 30_000)
    const exit = await running.exit
    await fixture.runner.stop(place, 30_000)

    assert.equal(exit.state, 'stopped')
    assert.equal(exit.exit, 0)
  })

  it('is what it was when it had ended before the stop', async t => {
    const { exit, place } = await ran(t, 'raise SystemExit(9)')

    await fixture.runner.stop(place, 0)

    assert.equal(exit.state, 'failed')
    assert.equal((await (await fixture.runner.adopt(place))?.exit)?.state, 'failed')
  })

  it('is lost when somebody took the container away', async t => {
    const { order, place } = await attemptOf(t, fixture, plain, {
      code: 'import time; time.sleep(600)',
    })
    const running = await fixture.runner.run(order, place)

    await fixture.docker.getContainer(`kaos-${place.attempt}`).remove({ force: true })

    assert.equal((await running.exit).state, 'lost')
    assert.equal(await logOf(fixture.runner, place), '')
  })

  it('leaves nothing of a place after its release', async t => {
    const { place } = await ran(t, 'print("x")')

    await fixture.runner.release(place)

    assert.equal(await fixture.runner.adopt(place), undefined)
    assert.deepEqual(await readdir(place.dir), ['log'])
    await assert.rejects(fixture.docker.getContainer(`kaos-${place.attempt}`).inspect())
  })

  it('takes away what was made and never started when it looks for a program', async t => {
    const { place } = await attemptOf(t, fixture, plain)
    const container = await fixture.docker.createContainer({
      Image: fixture.small,
      Cmd: ['true'],
      Labels: { 'kaos.attempt': place.attempt },
    })

    assert.equal(await fixture.runner.adopt(place), undefined)
    await assert.rejects(container.inspect(), { statusCode: 404 })
  })
})

describe('the log', () => {
  it('holds lines longer than the engine’s entries, both streams, and a last line without an end', async t => {
    const code = `
import sys
print("a" * 40000 + "b", flush=True)
sys.stderr.write("on stderr\\n")
sys.stderr.flush()
sys.stdout.write("no end")`

    const lines = linesOf(await ran(t, code))

    assert.deepEqual(lines.toSorted(), [`${'a'.repeat(40000)}b`, 'no end', 'on stderr'])
  })

  it('goes on after a kill -9 of the worker without losing or doubling a line', async t => {
    const code = `
import time
for number in range(400):
    print("line", number, flush=True)
    time.sleep(0.01)`
    const attempt = await attemptOf(t, fixture, plain, { code })
    const { folder } = plain.built
    await startAndDie(fixture.opener, { ...attempt, layout: folder })
    const path = join(attempt.place.dir, 'log')
    const half = await readFile(path, 'latin1').catch(() => '')

    await fixture.runner.adopt(attempt.place)
    const log = await logOf(fixture.runner, attempt.place)

    assert.ok(log.startsWith(half))
    const expected = Array.from({ length: 400 }, (_, number) => `line ${number}`)
    assert.deepEqual(
      log
        .trimEnd()
        .split('\n')
        .map(line => line.slice(22)),
      expected,
    )
  })

  it('goes on in the middle of a line', async t => {
    const { place, log } = await ran(t, 'print("one")\nprint("two")\nprint("three")')
    const cut = log.slice(0, log.indexOf('wo'))
    await writeFile(join(place.dir, 'log'), cut)

    await rm(join(place.dir, 'run', 'log.json'))
    const other = await openDockerRunner({ socket: fixture.socket })
    t.after(() => other.close())

    assert.equal(await logOf(other, place), log)
  })
})

async function until({ runner }: DockerFixture, place: Attempt['place'], text: string) {
  let seen = ''
  for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
    seen += Buffer.from(piece).toString('utf8')
    if (seen.includes(text)) return
  }
  throw new Error(`the program ended without saying "${text}"`)
}
