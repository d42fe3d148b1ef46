import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { loadSettings } from '../../server/config.ts'
import { openSpace } from '../../server/system/space.ts'
import { tempFolder, testSettings } from './open.ts'

const WHOLE = {
  KAOS_DOCKER_SOCKET: '/nonexistent/docker.sock',
  KAOS_S3_ENDPOINT: 'http://127.0.0.1:9000/',
  KAOS_S3_BUCKET: 'models',
  KAOS_S3_ACCESS_KEY: 'someone',
  KAOS_S3_SECRET_KEY: 'a secret',
}

test('four variables put the store into a bucket, in the usual region unless one is named', async () => {
  const { s3 } = await loadSettings([], WHOLE)
  const elsewhere = await loadSettings([], { ...WHOLE, KAOS_S3_REGION: 'eu-west-1' })

  assert.deepEqual(s3, {
    endpoint: 'http://127.0.0.1:9000',
    bucket: 'models',
    accessKey: 'someone',
    secretKey: 'a secret',
    region: 'us-east-1',
  })
  assert.equal(elsewhere.s3?.region, 'eu-west-1')
  assert.equal((await loadSettings([], { KAOS_DOCKER_SOCKET: '/nonexistent' })).s3, undefined)
})

test('keys may lie in files, with the line end that editors add', async t => {
  const folder = await tempFolder(t)
  const [access, secret] = [join(folder, 'access'), join(folder, 'secret')]
  await writeFile(access, 'someone else\n')
  await writeFile(secret, 'another secret\r\n')
  const { KAOS_S3_ACCESS_KEY, KAOS_S3_SECRET_KEY, ...rest } = WHOLE

  const { s3 } = await loadSettings([], {
    ...rest,
    KAOS_S3_ACCESS_KEY_FILE: access,
    KAOS_S3_SECRET_KEY_FILE: secret,
  })

  assert.partialDeepStrictEqual(s3, { accessKey: 'someone else', secretKey: 'another secret' })
  const missing = { ...rest, KAOS_S3_ACCESS_KEY_FILE: join(folder, 'nothing') }
  await assert.rejects(loadSettings([], missing), { message: /^KAOS_S3_ACCESS_KEY_FILE is / })
})

test('half a set is refused, and what is missing is named', async () => {
  for (const name of ['ENDPOINT', 'BUCKET', 'ACCESS_KEY', 'SECRET_KEY']) {
    const half = { ...WHOLE, [`KAOS_S3_${name}`]: '' }

    await assert.rejects(loadSettings([], half), (error: Error) => {
      assert.match(error.message, new RegExp(`still missing: KAOS_S3_${name}`))
      return true
    })
  }
  const alone = { KAOS_DOCKER_SOCKET: '/nonexistent', KAOS_S3_REGION: 'eu-west-1' }
  await assert.rejects(loadSettings([], alone), { message: /KAOS_S3_ENDPOINT, KAOS_S3_BUCKET/ })
})

test('an endpoint or bucket that cannot be one is refused', async () => {
  for (const endpoint of ['127.0.0.1:9000', 'ftp://a', 'http://a/b', 'http://u:p@a']) {
    const wrong = { ...WHOLE, KAOS_S3_ENDPOINT: endpoint }
    await assert.rejects(loadSettings([], wrong), { message: /^KAOS_S3_ENDPOINT is / })
  }
  const wrong = { ...WHOLE, KAOS_S3_BUCKET: 'No_Bucket' }
  await assert.rejects(loadSettings([], wrong), { message: /^KAOS_S3_BUCKET is / })
})

test('bytes for a bucket need no room on the disk of the server', async t => {
  const data = await tempFolder(t)
  const reserve = { share: 0, bytes: 0 }
  const { s3 } = await loadSettings([], WHOLE)

  await openSpace(testSettings(data, { reserve, s3 })).require(Number.MAX_SAFE_INTEGER)

  const local = openSpace(testSettings(data, { reserve })).require(Number.MAX_SAFE_INTEGER)
  await assert.rejects(local, { code: 'STORAGE_FULL' })
})
