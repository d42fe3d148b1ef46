/* The files and folders of a tar that somebody sent. It is read as a stream, and refused where it
 * holds anything but files and folders below one folder. */
import { DEPTH_MAX } from '../../api/transfer/protocol.ts'
import { type Chunk, isEntryName } from '../../api/tree.ts'
import type { Archive } from './archive.ts'
import { BLOCK, type Member, paddingOf } from './head.ts'
import type { Pull } from './pull.ts'
import { type Extra, type Head, readHead, readRecords } from './read-head.ts'
import { refused } from './refused.ts'

/** Who unpacks it holds all names in memory. */
const ENTRIES_MAX = 500_000
const NAMES_MAX = 64 * 1024 * 1024
const PATH_MAX = 4096
/** Of pax records or a long name. */
const EXTRA_MAX = 64 * 1024

export interface Found extends Member {
  /** Of a file; what is not read before the next member is asked for is passed over. */
  readonly content: AsyncIterable<Uint8Array>
  /** When the content is whole chunks of the store: these. It is passed over then. */
  readonly chunks: readonly Chunk[] | undefined
}

/** `onFrame` takes every byte that is not content: heads as they came, gaps, the archive's end. */
export async function* untar(
  archive: Archive,
  onFrame: (bytes: Uint8Array) => void = () => {},
): AsyncGenerator<Found, void, undefined> {
  const { pull } = archive
  let extra: Extra = {}
  let entries = 0
  let names = 0
  try {
    for (;;) {
      const block = await pull.take(BLOCK)
      onFrame(block)
      if (block.every(byte => byte === 0)) break
      if (block.length < BLOCK) throw cutShort()
      const head = readHead(block)
      if ('xgL'.includes(head.type)) {
        const bytes = await extraBytes(pull, head.size, onFrame)
        if (head.type === 'x') extra = { ...extra, ...readRecords(bytes) }
        if (head.type === 'L')
          extra = { ...extra, name: bytes.toString('utf8').replace(/\0.*/s, '') }
        continue
      }
      const member = memberOf({ ...head, ...extra })
      extra = {}
      if (member === undefined) continue
      if (++entries > ENTRIES_MAX) throw refused(`it has over ${ENTRIES_MAX} files and folders`)
      names += member.path.length
      if (names > NAMES_MAX) throw refused(`the paths in it are over ${NAMES_MAX} bytes long`)
      yield* found(archive, member, onFrame)
    }
    for await (const rest of pull.stream(Number.POSITIVE_INFINITY)) onFrame(rest)
  } finally {
    await archive.close()
  }
}

async function* found(
  { pull, run }: Archive,
  member: Member,
  onFrame: (bytes: Uint8Array) => void,
): AsyncGenerator<Found> {
  const chunks = run(member.size)
  let left = chunks ? 0 : member.size
  async function* content(): AsyncGenerator<Uint8Array> {
    for await (const bytes of pull.stream(left)) {
      left -= bytes.length
      yield bytes
    }
    if (left > 0) throw cutShort()
  }
  yield { ...member, content: content(), chunks }
  for await (const _ of content());
  onFrame(await filled(pull, paddingOf(member.size)))
}

async function extraBytes(
  pull: Pull,
  size: number,
  onFrame: (bytes: Uint8Array) => void,
): Promise<Buffer> {
  if (size > EXTRA_MAX) throw refused(`the name of a file, or its records, have ${size} bytes`)
  const bytes = await filled(pull, size + paddingOf(size))
  onFrame(bytes)
  return bytes.subarray(0, size)
}

async function filled(pull: Pull, size: number): Promise<Buffer> {
  const bytes = await pull.take(size)
  if (bytes.length < size) throw cutShort()
  return bytes
}

const FILES = ['0', '\0', '7']
const OTHERS: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
  K: 'a link',
  S: 'a sparse file',
}

/** Undefined for the archive's own top folder. */
function memberOf({ type, name, size, executable }: Head): Member | undefined {
  const shown = JSON.stringify(name)
  const isFolder = type === '5' || (FILES.includes(type) && name.endsWith('/'))
  if (!isFolder && !FILES.includes(type)) {
    const what = OTHERS[type] ?? `of a type that is not known here (${JSON.stringify(type)})`
    throw refused(`${shown} is ${what}; pack files and folders only`)
  }
  const path = cleanPath(name)
  if (isFolder) return path === '' ? undefined : { path, kind: 'folder', size: 0 }
  if (path === '') throw refused(`${shown} cannot be the path of a file`)
  return { path, kind: executable ? 'executable' : 'file', size }
}

/** The path without `./` and slashes at its end. Refuses one that leads out of the folder. */
export function cleanPath(name: string): string {
  const shown = JSON.stringify(name.slice(0, 200))
  if (name.startsWith('/')) throw refused(`${shown} is an absolute path; pack relative ones`)
  if (Buffer.byteLength(name) > PATH_MAX) throw refused(`the path ${shown}… is too long`)
  const names = name.split('/').filter(one => one !== '' && one !== '.')
  if (names.includes('..')) throw refused(`the path ${shown} leads out of its folder`)
  if (names.length > DEPTH_MAX) throw refused(`${shown} is deeper than ${DEPTH_MAX} folders`)
  if (!names.every(isEntryName)) throw refused(`${shown} cannot be the path of a file`)
  return names.join('/')
}

function cutShort(): Error {
  return refused('a layer ends in the middle of a file; push it again')
}
