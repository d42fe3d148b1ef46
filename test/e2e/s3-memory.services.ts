/* The memory of a server with its store in a bucket, while a large file is pushed. KAOS_TEST_MIB: how
 * large. */
import assert from 'node:assert/strict'
import { randomFillSync } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { cli, folder, type Server, startServer } from './kaos.ts'

const MIB = Number(process.env.KAOS_TEST_MIB ?? 256)
const BOUND_MIB = 256

test(`a server needs no more than ${BOUND_MIB} MiB above idle while a file goes through it into a bucket`, async t => {
  const place = testPlace()
  let server: Server | undefined
  t.after(async () => {
    await server?.stop()
    await dropBucket(place)
  })
  const [data, work] = [folder(t), folder(t)]
  const kaos = cli(work)
  server = await startServer(data, {
    env: {
      KAOS_SCRUB_DAYS: '0',
      KAOS_S3_ENDPOINT: place.endpoint,
      KAOS_S3_BUCKET: place.bucket,
      KAOS_S3_ACCESS_KEY: place.accessKey,
      KAOS_S3_SECRET_KEY: place.secretKey,
    },
  })
  await kaos('init', '-e', server.url)
  await kaos('workspace', 'create', '-n', 'large')
  layNoise(join(work, 'data'))
  const idle = mebibytes(server, 'VmRSS')
  // From here on the peak is that of the push.
  writeFileSync(`/proc/${server.process.pid}/clear_refs`, '5')

  const pushed = await kaos('data', 'push', 'data', '-n', 'large')
  const pushing = mebibytes(server, 'VmHWM')
  writeFileSync(`/proc/${server.process.pid}/clear_refs`, '5')
  const got = await kaos('data', 'get', 'large', 'back')
  const getting = mebibytes(server, 'VmHWM')

  console.log(
    `promise s3-memory mib=${MIB} idle=${idle} pushing=+${pushing - idle} getting=+${getting - idle}`,
  )
  assert.equal(pushed.code, 0, pushed.stderr)
  assert.equal(got.code, 0, got.stderr)
  assert.ok(pushing - idle <= BOUND_MIB, `${pushing - idle} MiB above idle`)
})

function layNoise(target: string): void {
  mkdirSync(target)
  const file = openSync(join(target, 'noise'), 'w')
  const bytes = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < MIB; i++) writeSync(file, randomFillSync(bytes))
  closeSync(file)
}

function mebibytes({ process: { pid } }: Server, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(new RegExp(`${what}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024)
}
