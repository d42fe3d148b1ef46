import assert from 'node:assert/strict'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { cli, folder, root, type Server, startServer } from './kaos.ts'

test('a server with its store in a bucket trains, and finds everything again without its cache', async t => {
  const place = testPlace()
  const servers: Server[] = []
  t.after(async () => {
    for (const server of servers) await server.stop()
    await dropBucket(place)
  })
  const env = {
    KAOS_S3_ENDPOINT: place.endpoint,
    KAOS_S3_BUCKET: place.bucket,
    KAOS_S3_ACCESS_KEY: place.accessKey,
    KAOS_S3_SECRET_KEY: place.secretKey,
  }
  const [data, work] = [folder(t), folder(t)]
  const kaos = cli(work)
  const first = await startServer(data, { env })
  servers.push(first)
  await kaos('init', '-e', first.url)
  await kaos('workspace', 'create', '-n', 'mnist')
  const templates = join(root, 'templates', 'mnist')

  const done = await kaos(
    'train',
    'deploy',
    ...['-s', join(templates, 'model-train'), '-d', join(templates, 'data'), '--wait'],
  )
  await first.stop()
  rmSync(join(data, 'store-cache'), { recursive: true })
  servers.push(await startServer(data, { env, port: Number(new URL(first.url).port) }))
  const got = await kaos('train', 'get', '-j', '@latest', '-dm')

  assert.equal(done.code, 0, done.stdout + done.stderr)
  assert.equal(got.code, 0, got.stdout + got.stderr)
  assert.ok(!existsSync(join(data, 'store')))
})

test('a server refuses a bucket whose keys are wrong, in one line', async t => {
  const place = testPlace()
  const env = {
    KAOS_S3_ENDPOINT: place.endpoint,
    KAOS_S3_BUCKET: place.bucket,
    KAOS_S3_ACCESS_KEY: place.accessKey,
    KAOS_S3_SECRET_KEY: 'wrong',
  }

  await assert.rejects(startServer(folder(t), { env }), /refuses these keys/)
})
