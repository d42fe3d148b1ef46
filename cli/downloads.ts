/* Folders from the server, each complete or not there: it is laid out beside its place under another
 * name and takes its place in one step, also of one that was there before. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Digest, isDigest } from '../api/digest.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import { TREE_HEADER } from '../api/transfer/protocol.ts'
import type { Artifact, JobArtifacts } from '../api/wire.ts'
import { type Client, path } from './client.ts'
import type { Progress } from './progress.ts'

export interface Wanted {
  readonly artifact: Artifact
  /** Folder to become. */
  readonly target: string
  /** Further files of ours to put into it: relative path and text. */
  readonly extra?: { readonly file: string; readonly text: string }
}

const TRIES = 3

/** Fetches all of them; one bar over all bytes. `paths`: only the files that fit one of these. */
export async function fetchAll(
  client: Client,
  base: string,
  wanted: readonly Wanted[],
  progress: Progress,
  paths: readonly string[] = [],
): Promise<void> {
  // How much of it fits is not known before.
  const all = wanted.reduce((sum, one) => sum + one.artifact.bytes, 0)
  const total = paths.length === 0 ? all : 0
  let before = 0
  try {
    for (const one of wanted) {
      const open = (unchecked: boolean) => opened(client, base, one.artifact, { paths, unchecked })
      before += await fetchOne(open, one, bytes => progress.show(before + bytes, total))
    }
    progress.show(before, total)
    progress.end()
  } catch (error) {
    progress.stop()
    throw error
  }
}

/** What a job's artifacts become below `out`: `code/<name>`, `data/<name>`, `models/<six>`. */
export function layout(
  artifacts: JobArtifacts,
  out: string,
  parts: { code: boolean; data: boolean; model: boolean; modelId?: string | undefined },
): Wanted[] {
  const { code, data, models } = artifacts
  const below = (folder: string) => (artifact: Artifact) => inFolder(out, folder, artifact)
  const chosen = models.filter(one => one.modelId.includes(parts.modelId ?? ''))
  return [
    ...(parts.code ? code.map(below('code')) : []),
    ...(parts.data ? data.map(below('data')) : []),
    ...(parts.model ? chosen : []).map(({ artifact, hyper }) => {
      const wanted = below('models')(artifact)
      if (hyper === null) return wanted
      const file = join(safe(hyper.hash), safe(hyper.file))
      return { ...wanted, extra: { file, text: `${JSON.stringify(hyper.values)}\n` } }
    }),
  ]
}

export function inFolder(out: string, folder: string, artifact: Artifact): Wanted {
  return { artifact, target: join(out, folder, safe(artifact.name)) }
}

interface Opened {
  readonly tree: Digest
  readonly frames: AsyncIterable<Uint8Array>
}

/** Only of a part the server says which tree it is; of the whole it is known. */
async function opened(
  client: Client,
  base: string,
  { entity, tree }: Artifact,
  { paths, unchecked }: { paths: readonly string[]; unchecked: boolean },
): Promise<Opened> {
  const query = { path: paths, ...(unchecked && { unchecked: 'true' }) }
  const answer = await client.open(`${base}${path`/entities/${entity}/content`}`, query)
  const named = paths.length === 0 ? tree : answer.header(TREE_HEADER)
  if (isDigest(named)) return { tree: named, frames: answer.stream() }
  throw new KaosError('VERSION_MISMATCH', 'this server cannot send single files; upgrade it')
}

/** Answers the bytes that came. */
async function fetchOne(
  open: (unchecked: boolean) => Promise<Opened>,
  { target, extra }: Wanted,
  shown: (bytes: number) => void,
): Promise<number> {
  mkdirSync(dirname(target), { recursive: true })
  const part = `${target}.${randomBytes(4).toString('hex')}.part`
  const interrupted = () => {
    rmSync(part, { recursive: true, force: true })
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  try {
    const bytes = await receive(open, part, shown)
    if (extra !== undefined) {
      mkdirSync(dirname(join(part, extra.file)), { recursive: true })
      writeFileSync(join(part, extra.file), extra.text)
    }
    takePlace(part, target)
    return bytes
  } finally {
    process.removeListener('SIGINT', interrupted)
    rmSync(part, { recursive: true, force: true })
  }
}

/** Every object is compared with its digest here, so the server need not do it as well. If one is
 * another, the server does: it then finds what is damaged there, and says so. */
async function receive(
  open: (unchecked: boolean) => Promise<Opened>,
  part: string,
  shown: (bytes: number) => void,
): Promise<number> {
  const { receiveTree } = await import('../api/transfer/receive.ts')
  let unchecked = true
  for (let left = TRIES - 1; ; ) {
    try {
      const { tree, frames } = await open(unchecked)
      const progress = ({ bytes }: { bytes: number }) => shown(bytes)
      return (await receiveTree(frames, tree, part, { progress })).bytes
    } catch (error) {
      const cut = isKaosError(error, 'UNREACHABLE') || isKaosError(error, 'UNAVAILABLE')
      const wrong = unchecked && isKaosError(error, 'DIGEST_MISMATCH')
      if (wrong) unchecked = false
      else if (!cut || left-- === 0) throw error
    }
  }
}

function takePlace(part: string, target: string): void {
  if (!existsSync(target)) {
    renameSync(part, target)
    return
  }
  const old = `${part}.old`
  renameSync(target, old)
  try {
    renameSync(part, target)
  } catch (cause) {
    renameSync(old, target)
    throw cause
  }
  rmSync(old, { recursive: true, force: true })
}

/** A name from the server as one name here. */
function safe(name: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)) return name
  throw new KaosError(
    'INTERNAL',
    `the server named a folder ${JSON.stringify(name)}; nothing was written`,
  )
}
