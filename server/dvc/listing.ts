/* The list of a folder's files, as DVC stores it under `<md5>.dir`: JSON, `[{"md5", "relpath"}, …]`.
 * Paths come from strangers and are checked before anything is kept. */
import { KaosError } from '../../api/errors.ts'
import { DEPTH_MAX } from '../../api/transfer/protocol.ts'
import { isEntryName } from '../../api/tree.ts'

/** A larger list (about 350,000 files) stays what it is: an object of the remote. */
export const LISTING_MAX = 32 * 1024 * 1024

export interface Listed {
  readonly path: string
  /** 32 hex digits. */
  readonly md5: string
}

const MD5 = /^[0-9a-f]{32}$/

/** BAD_REQUEST, saying what is wrong, unless the bytes are a list of files that can be a folder. */
export function parseListing(bytes: Uint8Array): Listed[] {
  const list = rowsIn(bytes).map(listedFrom)
  const files = new Set<string>()
  for (const { path } of list) {
    if (files.has(path)) throw wrong(`names ${JSON.stringify(path)} twice`)
    files.add(path)
  }
  for (const { path } of list) {
    for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) {
      if (!files.has(path.slice(0, at))) continue
      throw wrong(`names ${JSON.stringify(path)} below a file`)
    }
  }
  return list
}

function rowsIn(bytes: Uint8Array): unknown[] {
  let rows: unknown
  try {
    rows = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw wrong('is no JSON')
  }
  if (!Array.isArray(rows)) throw wrong('is no JSON array')
  return rows
}

function listedFrom(row: unknown): Listed {
  const { md5, relpath } = (row ?? {}) as { md5?: unknown; relpath?: unknown }
  if (typeof md5 !== 'string' || !MD5.test(md5)) throw wrong('has an entry without an md5')
  if (typeof relpath !== 'string') throw wrong('has an entry without a relpath')
  const names = relpath.split('/')
  if (names.length <= DEPTH_MAX && names.every(isEntryName)) return { path: relpath, md5 }
  throw wrong(`names ${JSON.stringify(relpath.slice(0, 200))}, which is no path inside a folder`)
}

function wrong(why: string): KaosError {
  return new KaosError('BAD_REQUEST', `the list of the folder's files ${why}; run: dvc add`)
}
