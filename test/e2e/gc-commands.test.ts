import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import type { FsckRun, GcRun, PurgeView, QuotaView, StatsView } from '../../api/wire.ts'
import { cli, folder, startServer } from './kaos.ts'

/** Changes one byte in the middle of the largest pack. */
function damage(store: string): void {
  const packs = readdirSync(join(store, 'packs')).filter(name => name.endsWith('.pack'))
  const paths = packs.map(name => join(store, 'packs', name))
  const [largest] = paths.toSorted((a, b) => statSync(b).size - statSync(a).size)
  const file = openSync(largest!, 'r+')
  const byte = Buffer.alloc(1)
  const at = Math.floor(statSync(largest!).size / 2)
  readSync(file, byte, 0, 1, at)
  writeSync(file, Buffer.from([byte[0]! ^ 1]), 0, 1, at)
}

test('an administrator collects, checks, heals, limits and purges from the command line', async t => {
  const data = folder(t)
  const work = folder(t)
  const server = await startServer(data, { env: { KAOS_SCRUB_DAYS: '0' } })
  t.after(() => server.stop())
  const kaos = cli(work)
  const json = async <T>(...args: string[]): Promise<T> => {
    const { stdout, stderr, code } = await kaos(...args, '--json')
    assert.ok(code === 0, `kaos ${args.join(' ')}: ${stderr}`)
    return JSON.parse(stdout) as T
  }
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'care')
  mkdirSync(join(work, 'features'))
  const large = randomBytes(900_000)
  writeFileSync(join(work, 'features', 'large.bin'), large)
  await kaos('data', 'push', 'features')

  damage(join(data, 'store'))
  const damaged = await kaos('admin', 'fsck', '--wait')
  assert.equal(damaged.code, 1)
  assert.match(damaged.stdout, /data features:\w+.*named features@v1.*kaos data push features/s)
  await kaos('data', 'push', 'features')
  const healed = await json<{ run: FsckRun }>('admin', 'fsck', '--wait')
  assert.equal(healed.run.state, 'clean')

  writeFileSync(join(work, 'features', 'large.bin'), large.toReversed())
  await kaos('data', 'push', 'features')
  const removed = await kaos('data', 'remove', 'features@v1', '--yes')
  assert.equal(removed.code, 0, removed.stderr)
  const dry = await json<GcRun>('admin', 'gc', '--dry-run', '--grace', '0')
  assert.equal(dry.entities.length, 1)
  const young = await json<GcRun>('admin', 'gc', '--wait')
  assert.equal(young.going.objects, 0)
  const gone = await json<GcRun>('admin', 'gc', '--grace', '0', '--wait')
  assert.deepEqual(gone.going, dry.going)
  assert.ok(gone.freedBytes >= 900_000)

  const stats = await json<StatsView>('admin', 'stats')
  assert.equal(stats.workspaces[0]?.workspace, 'care')
  assert.equal(stats.logicalBytes, 900_000)
  const quota = await json<QuotaView>('admin', 'quota', 'set', 'care', '1M')
  assert.ok(quota.usedBytes >= 900_000)
  writeFileSync(
    join(work, 'features', 'more.bin'),
    large.map(byte => byte ^ 255),
  )
  const refused = await kaos('data', 'push', 'features')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /may take 1000000 bytes/)
  await kaos('admin', 'quota', 'remove', 'care')
  assert.equal((await kaos('data', 'push', 'features')).code, 0)

  const purged = await json<PurgeView>(
    ...['admin', 'purge', 'features@v3', '--reason', 'it names people', '--yes'],
  )
  assert.match(purged.by, /\w/)
  const asked = await kaos('data', 'get', 'features@v3', 'fetched')
  assert.equal(asked.code, 3)
  assert.match(asked.stderr, /purged by .+ on \d{4}-\d\d-\d\d, because: it names people/)
})
