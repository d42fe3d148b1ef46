/* Large files into a bucket: one request for what fits into a part, else parts. */

import { packIn, type Writing } from '../packed/shelf.ts'
import { codeOf, type S3Client } from './client.ts'

/** S3 wants at least 5 MiB. */
const PART = 5 * 1024 * 1024
/** No put takes half as long. */
const OLD_MS = 48 * 3600_000

/** So many at once; the others wait. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

/** Fills one part while the one before is on its way. */
export class S3Writing implements Writing {
  readonly #s3: S3Client
  readonly #name: string
  readonly #slots: Slots
  #parts: Buffer[] = []
  #bytes = 0
  #written = 0
  #upload: string | undefined
  readonly #done: { part: number; etag: string }[] = []
  #sending: Promise<void> = Promise.resolve()

  constructor(s3: S3Client, name: string, slots: Slots) {
    this.#s3 = s3
    this.#name = name
    this.#slots = slots
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(Buffer.from(bytes))
    this.#bytes += bytes.length
    this.#written += bytes.length
    if (this.#bytes >= PART) await this.#send()
  }

  async finish(): Promise<void> {
    const { client, bucket } = this.#s3
    const key = this.#s3.key(this.#name)
    if (this.#upload === undefined) {
      const body = this.#take()
      await this.#slots.use(() =>
        this.#s3.ask(() => client.putObject(bucket, key, body, body.length)),
      )
      return
    }
    if (this.#bytes > 0) await this.#send()
    await this.#sending
    const upload = this.#upload
    await this.#s3.ask(async () => {
      try {
        await client.completeMultipartUpload(bucket, key, upload, this.#done)
      } catch (error) {
        if (codeOf(error) !== 'NoSuchUpload' || !(await this.#isWhole())) throw error
      }
    })
  }

  async abandon(): Promise<void> {
    this.#parts = []
    await this.#sending.catch(() => undefined)
    if (this.#upload === undefined) return
    const { client, bucket } = this.#s3
    await client
      .abortMultipartUpload(bucket, this.#s3.key(this.#name), this.#upload)
      .catch(() => undefined)
  }

  /** Sends what is collected as the next part, when the one before is through. */
  async #send(): Promise<void> {
    const { client, bucket } = this.#s3
    const key = this.#s3.key(this.#name)
    await this.#sending
    this.#upload ??= await this.#s3.ask(() => client.initiateNewMultipartUpload(bucket, key, {}))
    const [body, upload, part] = [this.#take(), this.#upload, this.#done.length + 1]
    const config = { bucketName: bucket, objectName: key, uploadID: upload, partNumber: part }
    this.#sending = this.#slots.use(async () => {
      const { etag } = await this.#s3.ask(() => client.uploadPart({ ...config, headers: {} }, body))
      this.#done.push({ part, etag })
    })
    // Its failure is met by whoever comes next; until then it must not count as unhandled.
    this.#sending.catch(() => undefined)
  }

  #take(): Buffer {
    const body = Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    return body
  }

  /** Whether it was completed, though the answer was lost. */
  async #isWhole(): Promise<boolean> {
    const { client, bucket } = this.#s3
    const { size } = await client.statObject(bucket, this.#s3.key(this.#name))
    return size === this.#written
  }
}

/** Takes away the parts of uploads that nobody will end: nothing else lists them. */
export async function abortOldUploads(s3: S3Client, now: number): Promise<void> {
  const { client, bucket } = s3
  const uploads = client.listIncompleteUploads(bucket, s3.key('packs/'), true)
  for await (const { key, uploadId } of uploads) {
    const found = packIn(s3.nameOf(key).replace(/^packs\//, ''))
    // The first digits of a pack's id are the time at which it was begun.
    const begun = found === undefined ? now : Number.parseInt(found.pack.slice(0, 12), 16)
    if (begun > now - OLD_MS) continue
    await s3.ask(() => client.abortMultipartUpload(bucket, key, uploadId))
  }
}
