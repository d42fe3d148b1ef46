/* Data manifests: JSON lines, each a remote file and the place that it gets in the data. Read by the
 * CLI before anything is sent, by the server which decides, and by the worker that fetches. */
import { createHash } from 'node:crypto'
import type { Digest } from './digest.ts'
import { KaosError } from './errors.ts'
import { isEntryName } from './tree.ts'

export interface ManifestFile {
  readonly url: string
  /** Relative, below the folder of the data. */
  readonly path: string
  /** 64 hex digits: what the bytes must be. */
  readonly sha256?: string
  readonly size?: number
}

export interface Manifest {
  readonly text: string
  readonly files: readonly ManifestFile[]
  /** SHA-256 of the file. */
  readonly digest: Digest
  /** Its first five digits. */
  readonly hash: string
}

export const MANIFEST_BYTES_MAX = 16 * 1024 * 1024
export const MANIFEST_FILES_MAX = 100_000
/** Up to here it is part of the request, as JSON; above it is sent as a stored file. */
export const MANIFEST_INLINE_MAX = 900_000

const URL_MAX = 8192
const PATH_MAX = 1024
const FOLDERS_MAX = 64
const KEYS = new Set(['url', 'path', 'sha256', 'size'])

/** INVALID_MANIFEST, naming the line and what to do. */
export function parseManifest(text: string): Manifest {
  if (Buffer.byteLength(text) > MANIFEST_BYTES_MAX) {
    throw invalid(`the manifest is larger than ${MANIFEST_BYTES_MAX} bytes; split it`)
  }
  const files: ManifestFile[] = []
  const places = new Places()
  for (const [at, line] of text
    .replace(/^\ufeff/, '')
    .split('\n')
    .entries()) {
    if (line.trim() === '') continue
    const file = parseLine(line, at + 1)
    places.take(file.path, at + 1)
    files.push(file)
    if (files.length > MANIFEST_FILES_MAX) {
      throw invalid(`the manifest names more than ${MANIFEST_FILES_MAX} files; split it`)
    }
  }
  if (files.length === 0) throw invalid(`the manifest names no file; ${EXAMPLE}`)
  const hex = createHash('sha256').update(text).digest('hex')
  return { text, files, digest: `sha256:${hex}`, hash: hex.slice(0, 5) }
}

const EXAMPLE = 'give a line such as {"url": "https://example.com/a.csv", "path": "a.csv"}'

function parseLine(line: string, at: number): ManifestFile {
  const value = jsonOf(line, at)
  const unknown = Object.keys(value).find(key => !KEYS.has(key))
  if (unknown !== undefined) {
    const known = [...KEYS].join(', ')
    throw atLine(at, `has the unknown key ${JSON.stringify(unknown)}; the keys are ${known}`)
  }
  const { url, path, sha256, size } = value
  if (typeof url !== 'string') throw atLine(at, `has no "url"; ${EXAMPLE}`)
  if (typeof path !== 'string') throw atLine(at, `has no "path"; ${EXAMPLE}`)
  if (sha256 !== undefined && !(typeof sha256 === 'string' && /^[0-9a-fA-F]{64}$/.test(sha256))) {
    throw atLine(at, 'has a "sha256" that is not 64 hex digits; mend it or leave it out')
  }
  if (size !== undefined && !(Number.isSafeInteger(size) && Number(size) >= 0)) {
    throw atLine(at, 'has a "size" that is no number of bytes; mend it or leave it out')
  }
  const wrong = wrongUrl(url) ?? wrongPath(path)
  if (wrong !== undefined) throw atLine(at, wrong)
  return {
    url,
    path,
    ...(typeof sha256 === 'string' ? { sha256: sha256.toLowerCase() } : {}),
    ...(typeof size === 'number' ? { size } : {}),
  }
}

function jsonOf(line: string, at: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw atLine(at, `is not JSON; ${EXAMPLE}`)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw atLine(at, `is no JSON object; ${EXAMPLE}`)
}

/** What is wrong with a URL that is to be fetched; undefined when nothing is. */
export function wrongUrl(text: string): string | undefined {
  const url = URL.parse(text)
  const shown = JSON.stringify(text.slice(0, 200))
  if (!url || text.length > URL_MAX || /[\s\p{Cc}]/u.test(text))
    return `has the url ${shown}, which is no URL`
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `has the url ${shown}; only http:// and https:// are fetched`
  }
  if (url.username !== '' || url.password !== '' || /^https?:[\\/]*[^\\/?#]*@/i.test(text)) {
    return `has a url with a user name or password in it; give one without, such as a signed URL`
  }
  return undefined
}

function wrongPath(path: string): string | undefined {
  const shown = JSON.stringify(path.slice(0, 200))
  const names = path.split('/')
  const bad = (name: string) => !isEntryName(name) || /[\p{Cc}\p{Zl}\p{Zp}\\]/u.test(name)
  if (!path.isWellFormed() || Buffer.byteLength(path) > PATH_MAX || names.some(bad)) {
    return `has the path ${shown}; give a relative one such as "train/a.csv", without . and ..`
  }
  if (names.length <= FOLDERS_MAX) return undefined
  return `has the path ${shown}, which is deeper than ${FOLDERS_MAX} folders`
}

/** No two files at one place, and no file where another one needs a folder. */
class Places {
  readonly #files = new Map<string, number>()
  readonly #folders = new Map<string, number>()

  take(path: string, at: number): void {
    const shown = JSON.stringify(path)
    const same = this.#files.get(path)
    if (same !== undefined) throw atLine(at, `has the path ${shown}, as line ${same} has`)
    const below = this.#folders.get(path)
    if (below !== undefined) throw atLine(at, `has the path ${shown}, a folder in line ${below}`)
    this.#files.set(path, at)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      const file = this.#files.get(folder)
      if (file !== undefined) {
        throw atLine(at, `has the path ${shown}, but line ${file} has a file ${folder}`)
      }
      if (!this.#folders.has(folder)) this.#folders.set(folder, at)
    }
  }
}

function atLine(at: number, wrong: string): KaosError {
  return new KaosError('INVALID_MANIFEST', `line ${at} of the manifest ${wrong}`, {
    detail: { line: at },
  })
}

function invalid(message: string): KaosError {
  return new KaosError('INVALID_MANIFEST', message)
}
