/* What a training can do in its container, and what it cannot, on the real engine. */
import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openOutput } from '../../runners/docker/readable.ts'
import { attemptOf, programDockerfile, RUNS_CODE } from './docker-fixture.ts'
import { linesOf, withPlainImage } from './docker-plain.ts'
import { logOf } from './fixture.ts'

const MEBIBYTE = 1024 * 1024

const scene = withPlainImage()
const { ran } = scene

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
    const dockerfile = programDockerfile(scene.fixture.small, 'LABEL kaos.network=on')
    const open = await scene.fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

    const closed = linesOf(await ran(t, code))
    const declared = linesOf(await ran(t, code, { image: open }))

    assert.deepEqual(closed, ["['lo']"])
    assert.deepEqual(declared, ["['eth0', 'lo']"])
    assert.deepEqual(open.image.labels, { 'kaos.folder': 'open', 'kaos.network': 'on' })
  })

  it('is root only where the Dockerfile declares it, not where it only says USER root', async t => {
    const files = { train: RUNS_CODE }
    const said = programDockerfile(scene.fixture.small, 'USER root')
    const declared = programDockerfile(scene.fixture.small, 'LABEL kaos.user=root')
    const own = programDockerfile(scene.fixture.small, 'USER 1234:1234')
    const code = 'print(os.getuid())'

    const uids: string[] = []
    for (const dockerfile of [said, declared, own]) {
      const image = await scene.fixture.prepare({ dockerfile, files })
      uids.push(...linesOf(await ran(t, code, { image })))
    }

    assert.deepEqual(uids, ['65534', '0', '1234'])
  })

  it('writes nothing into its data as root either: a worker links those files', async t => {
    const dockerfile = programDockerfile(scene.fixture.small, 'LABEL kaos.user=root')
    const image = await scene.fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })
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
    const dockerfile = programDockerfile(scene.fixture.small, made)
    const image = await scene.fixture.prepare({ dockerfile, files: { train: RUNS_CODE } })

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

    const attempt = await attemptOf(t, scene.fixture, scene.plain, { code, resources })
    const running = await scene.fixture.runner.run(attempt.order, attempt.place)
    const found = await scene.fixture.docker.getContainer(`kaos-${attempt.place.attempt}`).inspect()
    await running.exit

    const log = await logOf(scene.fixture.runner, attempt.place)
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

    const ended = await scene.fixture.docker.getContainer(`kaos-${place.attempt}`).inspect()
    await openOutput({ docker: scene.fixture.docker } as never, ended)

    assert.equal(before.uid, 65534)
    assert.equal(before.mode & 0o777, 0o600)
    assert.equal((await stat(join(order.out, 'b82151', 'model', 'closed'))).mode & 0o777, 0o666)
    assert.equal((await stat(join(order.out, 'b82151', 'model'))).mode & 0o777, 0o777)
  })
})
