/* The card of a data set or model: the README that lies at the root of its tree. */
import { isKaosError } from '../../api/errors.ts'
import type { Node } from '../../graph/ledger.ts'
import type { Store } from '../../store/store.ts'
import { entriesOf, readSmallFile } from '../../store/trees.ts'

const CARD_MAX = 256 * 1024
/** The first that is there counts, whatever the case of its letters. */
const NAMES = ['readme.md', 'readme.markdown', 'readme.txt', 'readme']

/** Null when there is none, it is too long to be shown, is no text, or its bytes are lost. */
export async function cardOf(store: Store, { digest, kind }: Node): Promise<string | null> {
  if (digest === undefined || (kind !== 'data' && kind !== 'model')) return null
  try {
    const entries = await entriesOf(store, digest)
    const files = entries.filter(entry => entry.kind !== 'folder' && entry.size <= CARD_MAX)
    const card = NAMES.flatMap(name => files.filter(one => one.name.toLowerCase() === name))[0]
    if (!card) return null
    const bytes = await readSmallFile(store, card, CARD_MAX)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (isKaosError(error) || error instanceof TypeError) return null
    throw error
  }
}
