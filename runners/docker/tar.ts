/* Writing tars entry by entry: without times and owners, files streamed from disk. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Header, Pack } from 'tar-stream'

const EPOCH = new Date(0)

export type EntryHeader = Partial<Header> & Pick<Header, 'name'>

/** Adds an entry whose bytes are at hand. */
export function addBytes(tar: Pack, header: EntryHeader, bytes?: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    const full = { uid: 0, gid: 0, mtime: EPOCH, ...header }
    if (bytes === undefined) tar.entry(full, done)
    else tar.entry(full, bytes, done)
  })
}

/** Streams a file into the tar; fails if the file changes its size meanwhile. */
export async function addFile(tar: Pack, name: string, path: string, mode = 0o644): Promise<void> {
  const { size } = await stat(path)
  if (size === 0) return addBytes(tar, { name, mode }, '')
  const header = { name, mode, size, uid: 0, gid: 0, mtime: EPOCH }
  await new Promise<void>((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    pipeline(createReadStream(path), tar.entry(header, done)).catch(reject)
  })
}
