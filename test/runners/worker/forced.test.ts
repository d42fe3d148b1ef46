/* What a replay forces on Python, with the real interpreter. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { writeForced } from '../../../runners/worker/forced.ts'

const execute = promisify(execFile)
const CLOCK = '2026-03-01T12:00:00.000Z'

async function python(t: TestContext, seed: number, clock: string, program: string) {
  const base = await mkdtemp(join(tmpdir(), 'kaos-forced-'))
  t.after(() => rm(base, { recursive: true, force: true }))
  const { forced, env } = await writeForced(join(base, 'forced'), { seed, clock })
  const later = join(base, 'later')
  await writeForced(later, { seed, clock })
  await writeFile(join(later, 'sitecustomize.py'), 'import builtins\nbuiltins.read_too = True\n')
  const path = `${forced}:${later}`
  const whole = { PATH: process.env.PATH, TZ: 'UTC', PYTHONPATH: path, ...env }
  const { stdout } = await execute('python3', ['-c', program], { env: whole })
  return stdout
}

const NUMBERS = `
import os, random, secrets, tempfile, uuid
print(random.random(), random.Random().random(), uuid.uuid4(), secrets.token_hex(4), hash("a"))
random.seed()
print(random.random(), os.urandom(3).hex(), tempfile.gettempprefix())
`

test('numbers without a seed are the same for one seed and others for another', async t => {
  const one = await python(t, 1, CLOCK, NUMBERS)
  const again = await python(t, 1, CLOCK, NUMBERS)
  const other = await python(t, 2, CLOCK, NUMBERS)

  assert.equal(again, one)
  const words = (text: string) => new Set(text.split(/\s+/))
  assert.deepEqual(
    [...words(one)].filter(word => words(other).has(word)),
    ['tmp', ''],
  )
})

test('numbers that a program seeds are not touched', async t => {
  const program = 'import random; random.seed(5); print(random.random(), random.Random(3).random())'

  const forced = await python(t, 1, CLOCK, program)

  const plain = await execute('python3', ['-c', program])
  assert.equal(forced, plain.stdout)
})

test('every clock that Python has begins where it is told, and goes on as it is read', async t => {
  const program = `
import datetime, time
first, second = time.time(), time.time()
assert second > first
before = time.perf_counter()
time.sleep(0.01)
assert time.perf_counter() - before >= 0.01
print(datetime.date.today(), datetime.datetime.now().date(), datetime.datetime.utcnow().date())
print(time.strftime("%Y-%m-%d"), time.gmtime().tm_year, time.ctime()[:10], time.asctime()[-4:])
print(datetime.datetime.now(datetime.timezone.utc).isoformat()[:16])
print(round(first), time.time_ns() // 10**9)
`

  const said = await python(t, 1, CLOCK, program)

  assert.deepEqual(said.trim().split('\n'), [
    '2026-03-01 2026-03-01 2026-03-01',
    '2026-03-01 2026 Sun Mar  1 2026',
    '2026-03-01T12:00',
    '1772366400 1772366400',
  ])
})

test('dates are still dates: they compare, pickle and are told by isinstance', async t => {
  const program = `
import datetime, pickle
now = datetime.datetime.now()
assert isinstance(now, datetime.datetime) and isinstance(now, datetime.date)
assert isinstance(datetime.date(2020, 1, 1), datetime.date)
assert not isinstance(datetime.date(2020, 1, 1), datetime.datetime)
assert issubclass(datetime.datetime, datetime.date)
assert pickle.loads(pickle.dumps(now)) == now
assert now - datetime.timedelta(days=1) < now
class Mine(datetime.datetime): pass
assert not isinstance(now, Mine) and isinstance(Mine(2020, 1, 1), datetime.datetime)
print("fine")
`

  assert.equal(await python(t, 1, CLOCK, program), 'fine\n')
})

test('a sitecustomize that it stands before is read as well', async t => {
  assert.equal(await python(t, 1, CLOCK, 'print(read_too)'), 'True\n')
})
