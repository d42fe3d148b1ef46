import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { logOf, sceneOf } from '../fixture.ts'
import { openProcessFixture } from './fixture.ts'

/** Children of this process that fork supervisors. */
function forkers(): number[] {
  const all = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  return all
    .split('\n')
    .map(line => /^\s*(\d+)\s+(\d+)\s.*supervise-\w+\.py/.exec(line))
    .filter(found => Number(found?.[2]) === process.pid)
    .map(found => Number(found?.[1]))
}

async function gone(pids: readonly number[]): Promise<void> {
  while (forkers().some(pid => pids.includes(pid))) await sleep(10)
}

test('trials that begin together share what starts their supervisors', async t => {
  const fixture = await openProcessFixture([])
  t.after(() => fixture.close())
  const scenes = await Promise.all(
    Array.from({ length: 4 }, () => sceneOf(t, fixture, { script: 'echo done' })),
  )

  const all = await Promise.all(scenes.map(({ order, place }) => fixture.runner.run(order, place)))
  const exits = await Promise.all(all.map(({ exit }) => exit))

  assert.deepEqual(new Set(exits.map(({ state }) => state)), new Set(['succeeded']))
  assert.equal(forkers().length, 1)
})

test('programs go on when what started their supervisors is killed, and the next one starts', async t => {
  const fixture = await openProcessFixture([])
  t.after(() => fixture.close())
  const [long, next] = [
    await sceneOf(t, fixture, { script: 'echo begun; sleep 2; echo ended' }),
    await sceneOf(t, fixture, { script: 'echo next' }),
  ]
  const running = await fixture.runner.run(long.order, long.place)
  const before = forkers()

  for (const pid of before) process.kill(pid, 'SIGKILL')
  await gone(before)
  const second = await fixture.runner.run(next.order, next.place)

  assert.equal((await second.exit).state, 'succeeded')
  assert.equal((await running.exit).state, 'succeeded')
  assert.match(await logOf(fixture.runner, long.place), /begun\n.*ended\n$/s)
})

test('a start is told as failed when what starts supervisors is killed before it', async t => {
  const fixture = await openProcessFixture([])
  t.after(() => fixture.close())
  const first = await sceneOf(t, fixture, { script: 'true' })
  await (await fixture.runner.run(first.order, first.place)).exit
  const scene = await sceneOf(t, fixture, { script: 'true' })
  const before = forkers()

  for (const pid of before) process.kill(pid, 'SIGSTOP')
  const starting = fixture.runner.run(scene.order, scene.place)
  await sleep(300)
  for (const pid of before) process.kill(pid, 'SIGKILL')

  await assert.rejects(starting, { code: 'RUNNER_UNAVAILABLE' })
})

test('closing the runner ends what starts supervisors, and not the programs', async t => {
  const fixture = await openProcessFixture([])
  const { order, place } = await sceneOf(t, fixture, { script: 'sleep 1; echo ended' })
  await fixture.runner.run(order, place)
  const before = forkers()
  const other = await openProcessFixture([])
  t.after(async () => {
    await other.close()
    await fixture.close()
  })

  await fixture.runner.close()
  await gone(before)
  const exit = await (await other.runner.adopt(place))?.exit

  assert.equal(before.length, 1)
  assert.equal(exit?.state, 'succeeded')
})
