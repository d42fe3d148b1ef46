/** The content of what evidence is about: its folders and lists as objects, and its files. */
import { type Digest, hexOf } from '../../api/digest.ts'
import { MEMBER } from '../../api/evidence/format.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, FileReader, walkTree } from '../../store/trees.ts'
import { isPurged } from '../care/purged.ts'
import type { Parts } from '../parts.ts'
import type { Member } from './member.ts'
import { type Slice, servedModel } from './slice.ts'

/** Kinds whose digest is that of a folder. */
const FOLDERS = new Set(['model', 'replica', 'data', 'source', 'artifact', 'image'])

/** What has the content: the thing itself, of a service its model. Undefined when it has none here. */
export async function contentNode(
  { ledger, store }: Pick<Parts, 'ledger' | 'store'>,
  slice: Slice,
): Promise<Node | undefined> {
  const { subject } = slice
  const node = subject.kind === 'revision' ? servedModel(slice) : subject
  if (!node?.digest || !FOLDERS.has(node.kind)) return undefined
  const [here] = await store.has([node.digest])
  return here && !(await isPurged(ledger, node.id)) ? node : undefined
}

/** Each object once: its name is its sha256. */
export async function* objectMembers(store: Store, { digest }: Node): AsyncGenerator<Member> {
  const seen = new Set<string>()
  for await (const object of objectsBelow(store, digest!)) {
    if (seen.has(object)) continue
    seen.add(object)
    const bytes = Buffer.from(await store.get(object))
    yield { name: MEMBER.object(hexOf(object)), size: bytes.length, bytes }
  }
}

async function* objectsBelow(store: Store, tree: Digest): AsyncGenerator<Digest> {
  yield tree
  for (const { digest, kind, within } of await entriesOf(store, tree)) {
    if (kind === 'folder') yield* objectsBelow(store, digest)
    else if (within === undefined) yield digest
  }
}

export async function* contentMembers(store: Store, { digest }: Node): AsyncGenerator<Member> {
  const reader = new FileReader(store)
  for await (const { entry, path } of walkTree(store, digest!)) {
    yield {
      name: MEMBER.content(path),
      size: entry.size,
      executable: entry.kind === 'executable',
      bytes: () => reader.read(entry),
    }
  }
}
