/* The build context: the bundle's model/ folder as a tar, streamed. Sorted, without times, owners
 * or set-id bits, so that the same bundle is the same context.
 *
 * The Dockerfile lies beside model/, outside of the context, where no engine would read it: it is
 * added under a private name. A .dockerignore of ours names it and itself, which makes the engine
 * drop both before the first step, so `COPY .` finds only what the bundle holds. */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { type Pack, pack } from 'tar-stream'
import { digestOf, hexOf } from '../../api/digest.ts'
import { IgnoreFile } from './ignorefile.ts'
import { addBytes, addFile } from './tar.ts'

const IGNORE = '.dockerignore'

export interface ContextEntry {
  /** Relative to the context, with slashes. */
  readonly path: string
  readonly kind: 'file' | 'directory' | 'symlink'
  readonly executable: boolean
  readonly target?: string
}

/** The name under which the context holds the Dockerfile. */
export function privateName(dockerfile: string): string {
  return `.kaos-${hexOf(digestOf(dockerfile)).slice(0, 16)}.Dockerfile`
}

/** What the context holds, in order, after .dockerignore of the bundle and of its model/ folder. */
export async function listContext(source: string): Promise<ContextEntry[]> {
  const model = join(source, 'model')
  const texts = await Promise.all([textOf(join(source, IGNORE)), textOf(join(model, IGNORE))])
  const entries: ContextEntry[] = []
  await walk(model, '', new IgnoreFile(texts), entries)
  return entries
    .filter(entry => entry.path !== IGNORE)
    .sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
}

/** The context as a tar. Errors destroy the stream; whoever destroys it stops the reading. */
export function contextTar(
  source: string,
  dockerfile: string,
  entries: readonly ContextEntry[],
): Readable {
  const tar = pack()
  const name = privateName(dockerfile)
  const fill = async () => {
    await addBytes(tar, { name: IGNORE, mode: 0o644 }, `${name}\n${IGNORE}\n`)
    await addBytes(tar, { name, mode: 0o644 }, dockerfile)
    for (const entry of entries) await addEntry(tar, join(source, 'model'), entry)
    tar.finalize()
  }
  fill().catch(error => tar.destroy(error))
  return Readable.from(tar, { objectMode: false })
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

async function walk(root: string, below: string, ignored: IgnoreFile, into: ContextEntry[]) {
  for (const name of await readdir(join(root, below))) {
    const path = below === '' ? name : `${below}/${name}`
    const out = ignored.ignores(path)
    if (out && !ignored.keepsSome) continue
    const at = join(root, path)
    const found = await lstat(at)
    const plain = { path, executable: (found.mode & 0o111) !== 0 }
    if (found.isDirectory()) {
      if (!out) into.push({ ...plain, kind: 'directory' })
      await walk(root, path, ignored, into)
    } else if (out) {
    } else if (found.isFile()) {
      into.push({ ...plain, kind: 'file' })
    } else if (found.isSymbolicLink()) {
      into.push({ ...plain, kind: 'symlink', target: await readlink(at) })
    }
  }
}

function addEntry(tar: Pack, root: string, entry: ContextEntry): Promise<void> {
  if (entry.kind === 'directory') {
    return addBytes(tar, { name: entry.path, type: 'directory', mode: 0o755 })
  }
  if (entry.kind === 'symlink') {
    const linkname = entry.target ?? ''
    return addBytes(tar, { name: entry.path, type: 'symlink', linkname, mode: 0o777 })
  }
  const mode = entry.executable ? 0o755 : 0o644
  return addFile(tar, entry.path, join(root, entry.path), mode)
}
