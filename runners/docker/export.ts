/* Out of the engine: the archive of `docker save`, read as it comes, becomes an OCI image layout.
 *
 * The archive says only at its end which file is what, so each file is written under a number and
 * hashed on the way; then config and layers move to their places and the rest goes. Older engines
 * write <layer>/layer.tar, where a layer that comes twice is a link to the first; newer ones write
 * blobs/sha256/<hex>, perhaps compressed. manifest.json names the files in both.
 *
 * Always true: a layer is only taken if its uncompressed bytes have the digest that the config, and
 * with it the image's id, promises. */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { extract } from 'tar-stream'
import type { Digest } from '../../api/digest.ts'
import { KaosError } from '../../api/errors.ts'
import { type Blob, blobPath, type Compression, diffIdsOf, type Layer, sealLayout } from './oci.ts'

interface Part extends Blob {
  readonly path: string
}

interface Archive {
  readonly parts: Map<string, Part>
  /** Links by name, with the name that they stand for. */
  readonly links: Map<string, string>
}

/** Turns the archive into a layout in `folder`; `scratch` is emptied and removed. */
export async function layoutFromArchive(
  archive: Readable,
  folder: string,
  scratch: string,
  signal: AbortSignal,
): Promise<{ manifest: Digest; config: Digest }> {
  await rm(scratch, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(scratch, { recursive: true })
  await mkdir(join(folder, 'blobs', 'sha256'), { recursive: true })
  try {
    const read = await readArchive(archive, scratch, signal)
    const { Config, Layers } = await namesOf(read)
    const config = partOf(read, Config)
    const diffIds = diffIdsOf(await readFile(config.path, 'utf8'))
    const layers = await checkedLayers(read, Layers, diffIds)
    for (const part of [config, ...Layers.map(name => partOf(read, name))]) {
      await rename(part.path, blobPath(folder, part.digest)).catch(ignoreMissing)
    }
    return { manifest: await sealLayout(folder, config, layers), config: config.digest }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function readArchive(archive: Readable, scratch: string, signal: AbortSignal) {
  const read: Archive = { parts: new Map(), links: new Map() }
  const entries = extract()
  const fed = pipeline(archive, entries, { signal })
  // Reported below: until then a failure must not count as unhandled.
  fed.catch(() => {})
  try {
    for await (const entry of entries) {
      const { name, type, linkname } = entry.header
      if (type === 'symlink' || type === 'link') {
        const base = type === 'symlink' ? posix.dirname(name) : '.'
        read.links.set(posix.normalize(name), posix.join(base, linkname))
      } else if (type === 'file') {
        const path = join(scratch, String(read.parts.size))
        read.parts.set(posix.normalize(name), await keep(entry as AsyncIterable<never>, path))
      }
      entry.resume()
    }
  } catch (error) {
    await fed
    throw error
  }
  await fed
  return read
}

async function keep(pieces: AsyncIterable<Uint8Array>, path: string): Promise<Part> {
  const hash = createHash('sha256')
  let size = 0
  const hashed = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      hash.update(piece)
      size += piece.length
      yield piece
    }
  }
  await pipeline(hashed, createWriteStream(path))
  return { path, size, digest: `sha256:${hash.digest('hex')}` }
}

async function namesOf(read: Archive): Promise<{ Config: string; Layers: string[] }> {
  const text = await readFile(partOf(read, 'manifest.json').path, 'utf8')
  const [image] = JSON.parse(text) as { Config: string; Layers: string[] | null }[]
  if (image === undefined) throw unreadable('manifest.json names no image')
  return { Config: image.Config, Layers: image.Layers ?? [] }
}

function partOf(read: Archive, name: string): Part {
  let at = posix.normalize(name)
  for (let hops = 0; hops < 8 && read.links.has(at); hops++) at = read.links.get(at)!
  const part = read.parts.get(at)
  if (part === undefined) throw unreadable(`${name} is missing`)
  return part
}

async function checkedLayers(read: Archive, names: string[], diffIds: Digest[]): Promise<Layer[]> {
  if (names.length !== diffIds.length) {
    throw unreadable(`${names.length} layers where the image's config lists ${diffIds.length}`)
  }
  const layers: Layer[] = []
  for (const [index, name] of names.entries()) {
    const { path, digest, size } = partOf(read, name)
    const compression = await compressionOf(path)
    const diffId = compression === 'none' ? digest : await unpackedDigest(path, compression)
    if (diffId !== diffIds[index]) {
      throw unreadable(`layer ${name} is ${diffId} where ${diffIds[index]} was promised`)
    }
    layers.push({ digest, size, compression })
  }
  return layers
}

async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path)
  try {
    const start = (await file.read(Buffer.alloc(4), 0, 4, 0)).buffer
    if (start.readUInt16BE() === 0x1f8b) return 'gzip'
    return start.readUInt32LE() === 0xfd2fb528 ? 'zstd' : 'none'
  } finally {
    await file.close()
  }
}

async function unpackedDigest(path: string, compression: 'gzip' | 'zstd'): Promise<Digest> {
  const unpack = compression === 'gzip' ? createGunzip() : createZstdDecompress()
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), unpack, hash)
  return `sha256:${hash.digest('hex')}`
}

/** A layer that comes twice has moved already. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

function unreadable(what: string): KaosError {
  return new KaosError('RUNNER_UNAVAILABLE', `the engine's image archive cannot be used: ${what}`)
}
