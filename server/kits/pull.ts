/* A stream of bytes from which exact numbers of them are taken. */
export class Pull {
  readonly #next: () => Promise<Uint8Array | undefined>
  #rest: Uint8Array = new Uint8Array(0)

  /** `next` answers what comes, undefined at the end. */
  constructor(next: () => Promise<Uint8Array | undefined>) {
    this.#next = next
  }

  /** Whether the next byte is the first of what `next` will answer. */
  get isBetween(): boolean {
    return this.#rest.length === 0
  }

  /** So many bytes; fewer only where the stream ends. */
  async take(count: number): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for await (const part of this.stream(count)) parts.push(part)
    return Buffer.concat(parts)
  }

  /** The same, piece by piece. What its reader leaves behind is lost. */
  async *stream(count: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        const next = await this.#next()
        if (next === undefined) return
        this.#rest = next
      }
      const part = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(part.length)
      left -= part.length
      yield part
    }
  }
}
