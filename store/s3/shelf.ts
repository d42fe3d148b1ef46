/* A shelf in a bucket. Several servers may use it at the same time. A file is there, whole and
 * durable, when the server has acknowledged it; what must be created once is put with If-None-Match. */
import type { BucketItem } from 'minio'
import { KaosError } from '../../api/errors.ts'
import type { Facts, Folder, Listed, Shelf, Writing } from '../packed/shelf.ts'
import { codeOf, S3Client, type S3Place } from './client.ts'
import { abortOldUploads, Outbox } from './writing.ts'

/** Makes the bucket if there is none. `outbox`: a folder of this process alone, for what is on its way
 * there. */
export async function openS3Shelf(place: S3Place, outbox: string): Promise<Shelf> {
  const s3 = new S3Client(place)
  try {
    const shelf = new S3Shelf(s3, await Outbox.open(s3, outbox))
    await requireBucket(s3, place.region)
    await shelf.requireConditions()
    return shelf
  } catch (error) {
    s3.close()
    throw error
  }
}

class S3Shelf implements Shelf {
  readonly place: string
  readonly shared = true
  readonly #s3: S3Client
  readonly #outbox: Outbox

  constructor(s3: S3Client, outbox: Outbox) {
    this.place = s3.place
    this.#s3 = s3
    this.#outbox = outbox
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.#s3.ask(() => this.#put(name, bytes))
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    let tries = 0
    return this.#s3.ask(async () => {
      tries++
      try {
        await this.#put(name, bytes, { 'If-None-Match': '*' })
        return true
      } catch (error) {
        if (codeOf(error) !== 'PreconditionFailed') throw error
        // The first try may have succeeded, though its answer was lost.
        return tries > 1 && (await this.readWhole(name))?.equals(bytes) === true
      }
    })
  }

  begin(name: string): Promise<Writing> {
    return this.#outbox.begin(name)
  }

  async settle(): Promise<void> {}

  async read(name: string, offset: number, length: number): Promise<Buffer> {
    if (length === 0) return Buffer.alloc(0)
    return this.#s3.ask(async () => {
      try {
        const { client, bucket } = this.#s3
        const stream = await client.getPartialObject(bucket, this.#s3.key(name), offset, length)
        return await filled(stream, length)
      } catch (error) {
        if (codeOf(error) === 'InvalidRange') return Buffer.alloc(0)
        throw error
      }
    })
  }

  readWhole(name: string): Promise<Buffer | undefined> {
    const { client, bucket } = this.#s3
    return this.#s3.ask<Buffer | undefined>(
      async () => collect(await client.getObject(bucket, this.#s3.key(name))),
      () => undefined,
    )
  }

  facts(name: string): Promise<Facts | undefined> {
    const { client, bucket } = this.#s3
    return this.#s3.ask<Facts | undefined>(
      async () => {
        const { size, lastModified } = await client.statObject(bucket, this.#s3.key(name))
        return { bytes: size, at: lastModified.getTime() }
      },
      () => undefined,
    )
  }

  async *list(folder: Folder, after?: string): AsyncIterable<Listed> {
    const { client, bucket } = this.#s3
    const prefix = this.#s3.key(`${folder}/`)
    let [from, token] = [after === undefined ? '' : prefix + after, '']
    for (;;) {
      const page = await this.#s3.ask(() =>
        client.listObjectsV2Query(bucket, prefix, token, '', 1000, from),
      )
      for (const item of page.objects) yield* listed(item, prefix)
      if (!page.isTruncated) return
      token = page.nextContinuationToken
      from = ''
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    const { client, bucket } = this.#s3
    const keys = names.map(name => this.#s3.key(name))
    if (keys.length === 0) return
    await this.#s3.ask(async () => {
      const failures = await client.removeObjects(bucket, keys)
      const [failed] = failures.flatMap(one => one?.Error ?? [])
      if (failed !== undefined) throw Object.assign(new Error('not removed'), { code: failed.Code })
    })
  }

  sweep(): Promise<void> {
    return abortOldUploads(this.#s3, Date.now())
  }

  async freeBytes(): Promise<undefined> {
    return undefined
  }

  async close(): Promise<void> {
    this.#s3.close()
  }

  /** Throws unless the server keeps what is there when it is told to: on that rests the order in
   * which servers hear of each other. */
  async requireConditions(): Promise<void> {
    const name = 'conditions'
    const bytes = Buffer.from('Written once: the second try must be refused.\n')
    await this.create(name, bytes)
    if (!(await this.create(name, bytes))) return
    const message = `${this.place} replaces objects although it is told not to (If-None-Match); use a server that knows conditional writes`
    throw new KaosError('CONFIGURATION', message)
  }

  async #put(name: string, bytes: Uint8Array, headers = {}): Promise<void> {
    const { client, bucket } = this.#s3
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    await client.putObject(bucket, this.#s3.key(name), body, body.length, headers)
  }
}

function* listed(item: BucketItem, prefix: string): Generator<Listed, void, undefined> {
  if (item.name === undefined || item.lastModified === undefined) return
  const facts = { bytes: item.size, at: item.lastModified.getTime() }
  yield { name: item.name.slice(prefix.length), facts: async () => facts }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream))
}

/** What comes, at most so much, in one buffer. */
async function filled(stream: AsyncIterable<Buffer>, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  for await (const part of stream) at += part.copy(bytes, at)
  return bytes.subarray(0, at)
}

async function requireBucket(s3: S3Client, region: string): Promise<void> {
  const { client, bucket } = s3
  if (await s3.ask(() => client.bucketExists(bucket))) return
  await s3.ask(async () => {
    try {
      await client.makeBucket(bucket, region)
    } catch (error) {
      // Another server was faster.
      if (codeOf(error) !== 'BucketAlreadyOwnedByYou') throw error
    }
  })
}
