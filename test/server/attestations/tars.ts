/* Taking evidence apart and putting it together again, as somebody would who wants to cheat. */
import { createHash } from 'node:crypto'
import { headOf, padding } from '../../../server/kits/head.ts'

export interface Entry {
  readonly name: string
  readonly bytes: Buffer
}

/** The members, in order. Names of the ones that are read here fit into one block. */
export function membersIn(tar: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; tar[at] !== 0 && at < tar.length; ) {
    const head = tar.subarray(at, at + 512)
    const text = (from: number, to: number) =>
      head.toString('latin1', from, to).replace(/\0.*/s, '')
    const size = Number.parseInt(text(124, 136), 8)
    entries.push({
      name: text(0, 100),
      bytes: Buffer.from(tar.subarray(at + 512, at + 512 + size)),
    })
    at += 512 + Math.ceil(size / 512) * 512
  }
  return entries
}

export function tarOf(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap(({ bytes, name }) => [
    headOf({ path: name, kind: 'file', size: bytes.length }),
    bytes,
    padding(bytes.length),
  ])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** With another member of this name; the rest stays. */
export function replaced(entries: readonly Entry[], name: string, text: string | Buffer): Entry[] {
  return entries.map(one => (one.name === name ? { name, bytes: Buffer.from(text) } : one))
}

export function jsonOf<T>(entries: readonly Entry[], name: string): T {
  return JSON.parse(String(entries.find(one => one.name === name)!.bytes)) as T
}

/** index.json made to fit the members again. */
export function reindexed(entries: readonly Entry[]): Entry[] {
  const index = jsonOf<{ members: { name: string; size: number; sha256: string }[] }>(
    entries,
    'index.json',
  )
  const members = entries
    .filter(({ name }) => !name.startsWith('index.'))
    .map(({ bytes, name }) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return { name, size: bytes.length, sha256 }
    })
  return replaced(entries, 'index.json', JSON.stringify({ ...index, members }))
}
