/* What every runner promises (runners/runner.ts), shown with real programs. A back end's test calls
 * `runnerConformance` once with its fixture. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { METRICS_FILE } from '../../api/measurements.ts'
import { LOG_MAX } from '../../runners/runner.ts'
import {
  answerOf,
  DATA_NAME,
  logOf,
  type RunnerFixture,
  sceneOf,
  scriptOf,
  serviceNamed,
  startAndDie,
} from './fixture.ts'

export type { Opener, Prepared, RunnerFixture } from './fixture.ts'

const STAMPED = /^\[\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\] /
const FOREVER = 'echo one\nwhile :; do sleep 1; done\n'

export function runnerConformance(name: string, open: () => Promise<RunnerFixture>): void {
  describe(`Runner: ${name}`, () => {
    let fixture: RunnerFixture
    before(async () => {
      fixture = await open()
    })
    after(() => fixture.close())
    trainings(() => fixture)
    programs(() => fixture)
    logs(() => fixture)
    endings(() => fixture)
    services(() => fixture)
  })
}

function trainings(fixture: () => RunnerFixture): void {
  it('runs a training to its end and keeps what it wrote', async t => {
    const script = 'mkdir -p "$1/model"\necho weights > "$1/model/model.txt"\n'
    const { order, place } = await sceneOf(t, fixture(), { script })

    const running = await fixture().runner.run(order, place)
    const exit = await running.exit

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.equal(exit.exit, 0)
    assert.ok(exit.finishedAt >= exit.startedAt)
    assert.equal(running.startedAt, exit.startedAt)
    assert.ok(Object.keys(running.environment).length > 0)
    const model = join(order.out, order.output, 'model', 'model.txt')
    assert.equal(await readFile(model, 'utf8'), 'weights\n')
  })

  it('reports the exit code of a training that fails', async t => {
    const script = 'echo broken >&2\nexit 7\n'
    const { order, place } = await sceneOf(t, fixture(), { script })

    const exit = await (await fixture().runner.run(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.equal(exit.exit, 7)
    assert.match(await logOf(fixture().runner, place), /broken/)
  })

  it('shows program, data and hyperparameters, and never changes the data', async t => {
    const train = `#!/bin/sh
data="\${KAOS_DATA:-/pfs/data}"; hyper="\${KAOS_HYPER:-/pfs/hyper}"
pwd; echo "$1"
cat "$data/${DATA_NAME}/a.csv" "$hyper/abcde/lr=1.json" beside.txt; echo
touch "$data/${DATA_NAME}/new" 2>/dev/null && echo "data is writable"
echo cache > beside-the-program.txt && echo "program is writable"
exit 0
`
    const program = { train, 'beside.txt': 'beside' }
    const { order, place } = await sceneOf(t, fixture(), { program })

    const exit = await (await fixture().runner.run(order, place)).exit

    assert.equal(exit.state, 'succeeded', exit.reason)
    const log = await logOf(fixture().runner, place)
    assert.match(log, /1,2\n/)
    assert.match(log, /\{"lr": 1\}beside/)
    assert.deepEqual(await readdir(order.data[0]!.path), ['a.csv'])
    assert.deepEqual((await readdir(order.program)).sort(), ['beside.txt', 'train'])
    if (fixture().view === 'variables') return
    assert.match(log, /\] \/opt\/program\n/)
    assert.match(log, /\] \/pfs\/out\/b82151\n/)
    assert.match(log, /program is writable/)
    assert.doesNotMatch(log, /data is writable/)
  })

  it('calls a training that writes nothing a success, and leaves the output empty', async t => {
    const { order, place } = await sceneOf(t, fixture(), { script: ':' })

    const exit = await (await fixture().runner.run(order, place)).exit

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.deepEqual(await readdir(order.out), [])
  })
}

function programs(fixture: () => RunnerFixture): void {
  it('says which program is missing', async t => {
    const { order, place } = await sceneOf(t, fixture(), { program: { other: '#!/bin/sh\n' } })

    const exit = await (await fixture().runner.run(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.match(exit.reason ?? '', /train/)
  })

  it('says that a program without a #! line cannot be started', async t => {
    const { order, place } = await sceneOf(t, fixture(), { program: { train: 'print("hello")\n' } })

    const exit = await (await fixture().runner.run(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.match(exit.reason ?? '', /#!/)
  })
}

function logs(fixture: () => RunnerFixture): void {
  it('stamps each line and follows the log live, from an offset on', async t => {
    const { order, place } = await sceneOf(t, fixture(), { script: FOREVER })
    const { runner } = fixture()
    await runner.run(order, place)

    let live = ''
    for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
      live += Buffer.from(piece).toString('utf8')
      if (live.includes('one\n')) break
    }
    await runner.stop(place, 0)
    const whole = await logOf(runner, place)

    assert.match(live, STAMPED)
    assert.ok(whole.startsWith(live))
    for (const line of whole.trimEnd().split('\n')) assert.match(line, STAMPED)
    assert.equal(await logOf(runner, place, 5), whole.slice(5))
    assert.equal(await logOf(runner, place, Buffer.byteLength(whole)), '')
  })

  it('stops following when told to', async t => {
    const { order, place } = await sceneOf(t, fixture(), { script: FOREVER })
    const { runner } = fixture()
    await runner.run(order, place)
    const told = new AbortController()

    for await (const piece of runner.logs(place, 0, told.signal)) {
      assert.ok(piece.length > 0)
      told.abort()
    }

    assert.ok(told.signal.aborted)
  })

  it('keeps a log of 200 MB within its limit and says that the rest was dropped', async t => {
    const script = 'yes "a line of the length that lines have" | head -c 209715200\n'
    const { order, place } = await sceneOf(t, fixture(), { script })
    const before = process.memoryUsage().rss

    const exit = await (await fixture().runner.run(order, place)).exit
    let bytes = 0
    let tail = ''
    for await (const piece of fixture().runner.logs(place, 0, new AbortController().signal)) {
      bytes += piece.length
      tail = (tail + Buffer.from(piece).toString('latin1')).slice(-400)
    }

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.ok(bytes <= LOG_MAX, `${bytes}`)
    assert.ok(bytes > LOG_MAX - 4096, `${bytes}`)
    assert.match(tail.trimEnd().split('\n').at(-1) ?? '', /dropped/)
    assert.equal((await stat(join(place.dir, 'log'))).size, bytes)
    assert.ok(process.memoryUsage().rss - before < 256 * 1024 * 1024)
  })
}

function endings(fixture: () => RunnerFixture): void {
  it('ends everything a program started, also what called setsid and ignores SIGTERM', async t => {
    const marker = `kaos-${randomUUID()}`
    const script = `trap '' TERM
setsid sh -c 'trap "" TERM; while :; do sleep 1; : ${marker}-child; done' &
echo started
while :; do sleep 1; : ${marker}; done
`
    const { order, place } = await sceneOf(t, fixture(), { script })
    const { runner } = fixture()
    const running = await runner.run(order, place)
    for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
      if (Buffer.from(piece).includes('started')) break
    }
    const lived = await seen(() => fixture().alive(`${marker}-child`))

    await runner.stop(place, 100)

    assert.ok(lived, 'the child was never there')
    assert.equal(await fixture().alive(marker), false)
    assert.equal((await running.exit).state, 'stopped')
  })

  it('finds a training again after a kill -9 and learns its exit code', async t => {
    const script = 'sleep 1\nmkdir "$1"\necho done > "$1/model.txt"\nexit 3\n'
    const scene = await sceneOf(t, fixture(), { script })

    await startAndDie(fixture().opener, scene)
    const adopted = await fixture().runner.adopt(scene.place)
    const exit = await adopted?.exit
    const again = await fixture().runner.adopt(scene.place)

    assert.equal(exit?.state, 'failed')
    assert.equal(exit?.exit, 3)
    assert.equal(adopted?.startedAt, exit?.startedAt)
    assert.deepEqual(await again?.exit, exit)
    const model = join(scene.order.out, scene.order.output, 'model.txt')
    assert.equal(await readFile(model, 'utf8'), 'done\n')
  })

  it('adopts nothing where nothing was started, and stops and releases it without complaint', async t => {
    const { place } = await sceneOf(t, fixture(), { script: FOREVER })

    await fixture().runner.stop(place, 0)
    await fixture().runner.release(place)
    const adopted = await fixture().runner.adopt(place)

    assert.equal(adopted, undefined)
  })

  it('shows what a program says of its metrics while it runs', async t => {
    const script =
      'mkdir -p "$(dirname "$KAOS_METRICS")"\necho "{}" > "$KAOS_METRICS"\necho said\nsleep 600\n'
    const { order, place } = await sceneOf(t, fixture(), { script })
    const { runner } = fixture()
    await runner.run(order, place)

    for await (const piece of runner.logs(place, 0, new AbortController().signal)) {
      if (Buffer.from(piece).includes('said')) break
    }
    const text = await readFile(join(order.out, order.output, METRICS_FILE), 'utf8')
    await runner.stop(place, 0)

    assert.equal(text, '{}\n')
  })

  it('measures a program while it runs, and not after', async t => {
    const { order, place } = await sceneOf(t, fixture(), { script: FOREVER })
    const { runner } = fixture()
    await runner.run(order, place)

    const during = await runner.stats(place)
    await runner.stop(place, 0)
    const afterwards = await runner.stats(place)

    assert.ok((during?.memoryBytes ?? 0) > 0)
    assert.ok((during?.cpuSeconds ?? -1) >= 0)
    assert.equal(afterwards, undefined)
  })
}

function services(fixture: () => RunnerFixture): void {
  it('runs two services at once, each on its own port 8080', async t => {
    const one = await sceneOf(t, fixture(), { script: scriptOf(serviceNamed('one')) })
    const two = await sceneOf(t, fixture(), { script: scriptOf(serviceNamed('two')) })
    const { runner } = fixture()

    const first = await runner.serve(one.order, one.place)
    const second = await runner.serve(two.order, two.place)

    assert.equal(await answerOf(first.address!, '/ping'), 'one')
    assert.equal(await answerOf(second.address!, '/ping'), 'two')
    assert.deepEqual((await runner.adopt(one.place))?.address, first.address)
    await runner.stop(one.place, 5000)
    assert.equal((await first.exit).state, 'stopped')
    assert.equal(await answerOf(second.address!, '/ping'), 'two')
  })

  it('reports a service that ends by itself as failed or succeeded, with its exit code', async t => {
    const script = 'echo no model >&2\nexit 4\n'
    const { order, place } = await sceneOf(t, fixture(), { script })

    const exit = await (await fixture().runner.serve(order, place)).exit

    assert.equal(exit.state, 'failed')
    assert.equal(exit.exit, 4)
  })
}

/** Waits until it is so; false if it never is. */
async function seen(so: () => Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (await so()) return true
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  return false
}
