/* Large files into a bucket. They are collected on the disk of this host, however many puts bring
 * theirs and however slowly, and sent when they are whole: in parts, a few at a time over all. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { packIn, type Writing } from '../packed/shelf.ts'
import { codeOf, type S3Client } from './client.ts'

/** S3 wants at least 5 MiB. */
const PART = 6 * 1024 * 1024
/** Parts on their way at once. */
const UPLOADS = 4
/** No put takes half as long. */
const OLD_MS = 48 * 3600_000

/** Where files are collected, and the way out. */
export class Outbox {
  readonly s3: S3Client
  readonly #folder: string
  /** One for each part on its way; made when it is first needed. */
  readonly #free: (Buffer | undefined)[] = new Array(UPLOADS).fill(undefined)
  readonly #waiting: ((part: Buffer) => void)[] = []

  private constructor(s3: S3Client, folder: string) {
    this.s3 = s3
    this.#folder = folder
  }

  /** What an earlier process left there is taken away. */
  static async open(s3: S3Client, folder: string): Promise<Outbox> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) await rm(join(folder, name))
    return new Outbox(s3, folder)
  }

  async begin(name: string): Promise<Writing> {
    const path = join(this.#folder, randomBytes(16).toString('hex'))
    return new S3Writing(this, name, path, await open(path, 'wx+', 0o600))
  }

  /** Does the work, with memory for a part, when fewer than so many others are under way. */
  async inTurn<T>(work: (part: Buffer) => Promise<T>): Promise<T> {
    const part = await this.#take()
    try {
      return await work(part)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free.push(part)
      else next(part)
    }
  }

  async #take(): Promise<Buffer> {
    if (this.#free.length > 0) return this.#free.pop() ?? Buffer.allocUnsafeSlow(PART)
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

class S3Writing implements Writing {
  readonly #outbox: Outbox
  readonly #name: string
  readonly #path: string
  readonly #file: FileHandle
  #length = 0
  #upload: string | undefined
  #ended = false

  constructor(outbox: Outbox, name: string, path: string, file: FileHandle) {
    this.#outbox = outbox
    this.#name = name
    this.#path = path
    this.#file = file
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, at, bytes.length - at, this.#length)
      at += bytesWritten
      this.#length += bytesWritten
    }
  }

  async finish(): Promise<void> {
    try {
      if (this.#length <= PART) await this.#sendWhole()
      else await this.#sendParts()
    } catch (error) {
      await this.#abort()
      throw error
    } finally {
      await this.#end()
    }
  }

  async abandon(): Promise<void> {
    await this.#abort()
    await this.#end()
  }

  async #sendWhole(): Promise<void> {
    const { client, bucket, key } = this.#place()
    await this.#outbox.inTurn(async memory => {
      const body = await this.#read(memory, 0, this.#length)
      await this.#outbox.s3.ask(() => client.putObject(bucket, key, body, body.length))
    })
  }

  async #sendParts(): Promise<void> {
    const { client, bucket, key } = this.#place()
    const { s3 } = this.#outbox
    const upload = await s3.ask(() => client.initiateNewMultipartUpload(bucket, key, {}))
    this.#upload = upload
    const count = Math.ceil(this.#length / PART)
    const sent = await Promise.allSettled(
      Array.from({ length: count }, (_, i) => this.#sendPart(upload, i + 1)),
    )
    const failed = sent.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    const parts = sent.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
    await s3.ask(async () => {
      try {
        await client.completeMultipartUpload(bucket, key, upload, parts)
      } catch (error) {
        if (codeOf(error) !== 'NoSuchUpload' || !(await this.#isWhole())) throw error
      }
    })
    this.#upload = undefined
  }

  #sendPart(upload: string, part: number): Promise<{ part: number; etag: string }> {
    const { client, bucket, key } = this.#place()
    const config = { bucketName: bucket, objectName: key, uploadID: upload, partNumber: part }
    return this.#outbox.inTurn(async memory => {
      const from = (part - 1) * PART
      const body = await this.#read(memory, from, Math.min(PART, this.#length - from))
      const { etag } = await this.#outbox.s3.ask(() =>
        client.uploadPart({ ...config, headers: {} }, body),
      )
      return { part, etag }
    })
  }

  async #read(memory: Buffer, from: number, length: number): Promise<Buffer> {
    const bytes = memory.subarray(0, length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#file.read(bytes, at, length - at, from + at)
      if (bytesRead === 0) throw new Error(`${this.#path} was cut short`)
      at += bytesRead
    }
    return bytes
  }

  /** Whether it was completed, though the answer was lost. */
  async #isWhole(): Promise<boolean> {
    const { client, bucket, key } = this.#place()
    return (await client.statObject(bucket, key)).size === this.#length
  }

  async #abort(): Promise<void> {
    const upload = this.#upload
    if (upload === undefined) return
    const { client, bucket, key } = this.#place()
    this.#upload = undefined
    // What cannot be taken away now is swept later.
    await client.abortMultipartUpload(bucket, key, upload).catch(() => undefined)
  }

  async #end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#file.close()
    await rm(this.#path, { force: true })
  }

  #place() {
    const { client, bucket } = this.#outbox.s3
    return { client, bucket, key: this.#outbox.s3.key(this.#name) }
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
