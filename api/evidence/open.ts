/* An evidence file, read once from its beginning to its end: small members are kept, content only
 * hashed. Nothing of it is believed yet. */
import { createHash } from 'node:crypto'
import type { Json } from '../canonical.ts'
import { type Digest, digestOf } from '../digest.ts'
import { KaosError } from '../errors.ts'
import { chunks } from '../transfer/chunker.ts'
import { FileList } from '../transfer/list.ts'
import { type TarMember, tarMembers } from './tar.ts'

export interface ContentFile {
  /** As a stored file: what trees name. */
  readonly digest: Digest
  readonly size: number
  readonly executable: boolean
}

export interface Opened {
  /** Bytes of all members but content. */
  readonly members: ReadonlyMap<string, Buffer>
  /** sha256 (hex) of every member. */
  readonly hashes: ReadonlyMap<string, string>
  /** By path below content/. */
  readonly content: ReadonlyMap<string, ContentFile>
}

const CONTENT = 'content/'
/** Of a member that is kept, and of all. */
const MEMBER_MAX = 128 * 1024 * 1024
const ALL_MAX = 512 * 1024 * 1024
const MEMBERS_MAX = 2_000_000

/** EVIDENCE_INVALID when it is no such file. */
export async function openEvidence(source: AsyncIterable<Uint8Array>): Promise<Opened> {
  const members = new Map<string, Buffer>()
  const hashes = new Map<string, string>()
  const content = new Map<string, ContentFile>()
  let room = ALL_MAX
  for await (const member of tarMembers(source)) {
    const { name, size } = member
    if (hashes.has(name)) throw invalid(`it holds ${name} twice`)
    if (hashes.size === MEMBERS_MAX) throw invalid('it holds too many files')
    const hash = createHash('sha256')
    if (name.startsWith(CONTENT)) {
      content.set(name.slice(CONTENT.length), await contentFile(member, hash))
    } else {
      room -= size
      if (size > MEMBER_MAX || room < 0) throw invalid(`${name} is too large`)
      const bytes = Buffer.concat(await Array.fromAsync(member.bytes()))
      hash.update(bytes)
      members.set(name, bytes)
    }
    hashes.set(name, hash.digest('hex'))
  }
  return { members, hashes, content }
}

async function contentFile(
  member: TarMember,
  hash: ReturnType<typeof createHash>,
): Promise<ContentFile> {
  async function* hashed() {
    for await (const bytes of member.bytes()) {
      hash.update(bytes)
      yield bytes
    }
  }
  const list = new FileList()
  for await (const chunk of chunks(hashed())) list.add(digestOf(chunk), chunk.length)
  const { size, executable } = member
  return { digest: digestOf(list.encoded()), size, executable }
}

/** A member's text; EVIDENCE_INVALID when it is not there. */
export function textIn({ members }: Opened, name: string): string {
  const bytes = members.get(name)
  if (bytes) return bytes.toString('utf8')
  throw invalid(`it has no ${name}`)
}

/** A member that is JSON. Its form is not checked beyond being an object. */
export function jsonIn<T>(opened: Opened, name: string): T {
  let value: Json
  try {
    value = JSON.parse(textIn(opened, name)) as Json
  } catch (error) {
    if (error instanceof KaosError) throw error
    throw invalid(`${name} is no JSON`)
  }
  if (typeof value === 'object' && value !== null) return value as T
  throw invalid(`${name} is no JSON object`)
}

export function invalid(why: string): KaosError {
  return new KaosError('EVIDENCE_INVALID', `the evidence file is not valid: ${why}`)
}
