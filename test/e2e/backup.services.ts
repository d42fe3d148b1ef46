/* A backup moves an installation between back ends: from a file and a folder to Neo4j and a bucket while
 * it is in use, and back. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { place, sweep } from '../graph/neo4j-place.ts'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { cli, type Done, folder, startServer } from './kaos.ts'

test('an installation goes to Neo4j and S3 by a backup and comes back, with the same root', async t => {
  await sweep('content', '')
  t.after(() => sweep('all', ''))
  const s3 = testPlace()
  t.after(() => dropBucket(s3))
  const [home, work, backups] = [folder(t), folder(t), join(folder(t), 'backups')]
  const { url, user, password } = place()
  const engines = {
    KAOS_NEO4J_URL: url,
    KAOS_NEO4J_USER: user,
    KAOS_NEO4J_PASSWORD: password,
    KAOS_S3_ENDPOINT: s3.endpoint,
    KAOS_S3_BUCKET: s3.bucket,
    KAOS_S3_ACCESS_KEY: s3.accessKey,
    KAOS_S3_SECRET_KEY: s3.secretKey,
  }
  const kaos = cli(work)
  const good = async (asked: Promise<Done>): Promise<Done> => {
    const done = await asked
    assert.equal(done.code, 0, `${done.stdout}\n${done.stderr}`)
    return done
  }
  const json = async <T>(asked: Promise<Done>) => JSON.parse((await good(asked)).stdout) as T
  const withKey = (name: string) => {
    mkdirSync(join(home, name), { mode: 0o700 })
    copyFileSync(join(home, 'first', 'secret.key'), join(home, name, 'secret.key'))
    return join(home, name)
  }
  const push = (name: string) => {
    mkdirSync(join(work, name), { recursive: true })
    writeFileSync(join(work, name, 'large.bin'), randomBytes(900_000))
    return good(kaos('data', 'push', name))
  }

  const first = await startServer(join(home, 'first'))
  t.after(() => first.stop())
  await good(kaos('init', '-e', first.url))
  await good(kaos('workspace', 'create', '-n', 'moving'))
  await push('features')
  const made = await json<{ root: string }>(kaos('admin', 'backup', '-o', backups, '--json'))
  await first.stop()
  const second = withKey('second')
  const there = await json<{ root: string }>(
    cli(work, engines)('admin', 'restore', backups, '--data', second, '--json'),
  )
  const port = Number(new URL(first.url).port)
  const server = await startServer(second, { env: engines, port })
  t.after(() => server.stop())
  await good(kaos('ledger', 'verify', '--full'))
  await good(kaos('admin', 'fsck', '--wait'))
  const backed = kaos('admin', 'backup', '-o', backups, '--json')
  const busy = ['a', 'b', 'c'].map(name => push(name))
  const again = await json<{ root: string; copied: { bytes: number } }>(backed)
  await Promise.all(busy)
  await server.stop()
  const third = withKey('third')
  const back = await json<{ root: string }>(
    kaos('admin', 'restore', backups, '--data', third, '--json'),
  )
  const last = await startServer(third, { port })
  t.after(() => last.stop())
  await good(kaos('admin', 'fsck', '--wait'))
  const verified = await kaos('ledger', 'verify', '--full', '--json')

  assert.equal(there.root, made.root)
  assert.equal(back.root, again.root)
  assert.deepEqual((JSON.parse(verified.stdout) as { findings?: string[] }).findings ?? [], [])
})
