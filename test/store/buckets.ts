import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'minio'
import { type Digest, rawOf } from '../../api/digest.ts'
import { decodeSegment } from '../../store/packed/segments.ts'
import { S3Client, type S3Place } from '../../store/s3/client.ts'
import { openS3Store } from '../../store/s3.ts'
import type { Store } from '../../store/store.ts'

/** The S3 server that the environment names, with a bucket of this run's own. Throws without one. */
export function testPlace(): S3Place {
  const read = (name: string) => {
    const value = process.env[`KAOS_TEST_S3_${name}`]
    if (value === undefined) throw new Error(`KAOS_TEST_S3_${name} must name a real S3 server`)
    return value
  }
  return {
    endpoint: read('ENDPOINT'),
    accessKey: read('ACCESS_KEY'),
    secretKey: read('SECRET_KEY'),
    region: 'us-east-1',
    bucket: `kaos-test-${randomBytes(6).toString('hex')}`,
  }
}

/** A place in a bucket, with folders for caches; all of it goes with `dispose`, its stores first. */
export class BucketBench {
  readonly place: S3Place
  readonly #s3: S3Client
  readonly #folders: string[] = []
  readonly #stores: Store[] = []

  constructor(place: S3Place) {
    this.place = { ...place, prefix: `${randomBytes(4).toString('hex')}/` }
    this.#s3 = new S3Client(this.place)
  }

  get client(): Client {
    return this.#s3.client
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'kaos-s3-'))
    this.#folders.push(folder)
    return folder
  }

  /** Another server over the same place, unless something is to differ. */
  async open(change: Partial<S3Place> = {}): Promise<Store> {
    const cacheFolder = await this.folder()
    const store = await openS3Store({ ...this.place, cacheFolder, ...change })
    this.#stores.push(store)
    return store
  }

  async names(below = ''): Promise<string[]> {
    const keys: string[] = []
    const items = this.client.listObjectsV2(this.place.bucket, this.#s3.key(below), true)
    for await (const { name } of items) keys.push(this.#s3.nameOf(name))
    return keys
  }

  async read(name: string): Promise<Buffer> {
    const stream = await this.client.getObject(this.place.bucket, this.#s3.key(name))
    return Buffer.concat(await Array.fromAsync(stream))
  }

  async write(name: string, bytes: Buffer): Promise<void> {
    await this.client.putObject(this.place.bucket, this.#s3.key(name), bytes)
  }

  async remove(name: string): Promise<void> {
    await this.client.removeObject(this.place.bucket, this.#s3.key(name))
  }

  async flip(name: string, at: number): Promise<void> {
    const bytes = await this.read(name)
    bytes[at]! ^= 1
    await this.write(name, bytes)
  }

  async damage(digest: Digest): Promise<void> {
    for (const name of await this.names('packs/')) {
      const pack = /^packs\/(.*)\.idx$/.exec(name)?.[1]
      if (pack === undefined) continue
      for (const { raw, offset, length } of decodeSegment(pack, await this.read(name)) ?? []) {
        if (raw.equals(rawOf(digest))) await this.flip(`packs/${pack}.pack`, offset + (length >> 1))
      }
    }
  }

  async dispose(): Promise<void> {
    for (const store of this.#stores) await store.close()
    const { bucket, prefix } = this.place
    const uploads = this.client.listIncompleteUploads(bucket, prefix ?? '', true)
    for await (const { key, uploadId } of uploads) {
      await this.client.abortMultipartUpload(bucket, key, uploadId)
    }
    const names = await this.names().catch(() => [])
    await this.client.removeObjects(
      this.place.bucket,
      names.map(name => this.#s3.key(name)),
    )
    this.#s3.close()
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }
}

/** Takes the bucket away with all that is in it. */
export async function dropBucket(place: S3Place): Promise<void> {
  const { client, close } = clientOf(place)
  const names: string[] = []
  for await (const { name } of client.listObjectsV2(place.bucket, '', true)) names.push(name)
  await client.removeObjects(place.bucket, names)
  for await (const { key, uploadId } of client.listIncompleteUploads(place.bucket, '', true)) {
    await client.abortMultipartUpload(place.bucket, key, uploadId)
  }
  await client.removeBucket(place.bucket)
  close()
}

function clientOf(place: S3Place) {
  const s3 = new S3Client(place)
  return { client: s3.client, close: () => s3.close() }
}

/** Takes the bucket away. What is still in it is there by mistake, and then it fails. */
export async function removeBucket(place: S3Place): Promise<void> {
  const s3 = new S3Client(place)
  try {
    await s3.client.removeBucket(place.bucket)
  } finally {
    s3.close()
  }
}
