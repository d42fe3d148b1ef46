/** A file of the archive, before it is packed. */
export interface Member {
  readonly name: string
  readonly size: number
  readonly executable?: boolean
  readonly bytes: Buffer | (() => AsyncIterable<Uint8Array>)
}
