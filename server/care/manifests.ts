/* Which blobs the manifests of a repository name: those that lie in their entities' OCI layouts, and
 * those that a manifest which was made here names in its text. */
import { isKaosError } from '../../api/errors.ts'
import type { Json, Ledger, Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { readSmallFile } from '../../store/trees.ts'
import { type BlobRecord, blobKey } from '../blobs/blobs.ts'
import { pointerOf } from '../catalogue/pointers.ts'
import { pointersBelow } from '../catalogue/versions.ts'
import { recordAt } from '../ledger-reads.ts'
import { blobsIn } from '../registry/layout.ts'

const MANIFEST_MAX = 16 * 1024 * 1024

export interface NamedBlobs {
  /** `sha256:…` of each. */
  of(ws: string, repository: string): Promise<ReadonlySet<string>>
}

interface Ground {
  readonly ledger: Ledger
  readonly store: Store
}

/** Remembers the repository that was asked for last. */
export function namedBlobs(ground: Ground): NamedBlobs {
  let last: { at: string; names: ReadonlySet<string> } | undefined
  return {
    async of(ws, repository) {
      const at = `${ws}/${repository}`
      if (last?.at !== at) last = { at, names: await namesIn(ground, ws, repository) }
      return last.names
    },
  }
}

async function namesIn(
  { ledger, store }: Ground,
  ws: string,
  repository: string,
): Promise<Set<string>> {
  const names = new Set<string>()
  const prefix = pointerOf.oci(ws, repository, '')
  for await (const { name, target } of pointersBelow(ledger, prefix)) {
    const digest = name.slice(prefix.length)
    names.add(digest)
    const node = await ledger.node(target)
    if (node?.attributes.manifest !== undefined) await addLayout(store, node, names)
    const record = await recordAt(ledger, blobKey(ws, repository, digest))
    if (record) await addText(store, record.value as unknown as BlobRecord, names)
  }
  return names
}

async function addLayout(store: Store, node: Node, names: Set<string>): Promise<void> {
  for await (const { digest } of blobsIn(store, node)) names.add(digest)
}

async function addText(store: Store, record: BlobRecord, names: Set<string>): Promise<void> {
  if (!('file' in record)) return
  try {
    const bytes = await readSmallFile(store, record.file, MANIFEST_MAX)
    addDigests(JSON.parse(Buffer.from(bytes).toString('utf8')) as Json, names)
  } catch (error) {
    // What cannot be read names nothing that could be served.
    if (!isKaosError(error) && !(error instanceof SyntaxError)) throw error
  }
}

/** Whatever stands as a digest anywhere in it. */
function addDigests(json: Json, names: Set<string>): void {
  if (typeof json !== 'object' || json === null) return
  for (const [key, value] of Object.entries(json)) {
    if (key === 'digest' && typeof value === 'string') names.add(value)
    else addDigests(value as Json, names)
  }
}
