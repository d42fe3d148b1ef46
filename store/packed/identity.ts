/* Who a store is: made with its first start, compared by the ledger at every other. */
import { KaosError } from '../../api/errors.ts'
import { isId, newId, sixOf } from '../../api/ids.ts'
import { IDENTITY, packIn, type Shelf } from './shelf.ts'

const VERSION = 1

/** The id that the shelf's store.json holds, or a new one for a shelf without packs. `remembered`:
 * what else remembers it, should store.json be damaged. `first`: the id of a new one. */
export async function identityOf(
  shelf: Shelf,
  remembered: () => string | undefined,
  first = newId(),
): Promise<string> {
  const bytes = await shelf.readWhole(IDENTITY)
  if (bytes !== undefined) {
    const id = idIn(bytes, shelf)
    if (id !== undefined) return id
    const known = remembered()
    if (known === undefined) throw refused(shelf, 'is damaged; restore it from a backup')
    await writeIdentity(shelf, known)
    return known
  }
  for await (const { name } of shelf.list('packs')) {
    if (packIn(name)?.is !== 'segment') continue
    throw refused(shelf, 'is missing although there are packs; restore it from a backup')
  }
  if (await shelf.create(IDENTITY, encoded(first))) return first
  // Another server was faster.
  return identityOf(shelf, remembered)
}

/** Why store.json does not say that this is the store; undefined if it does. */
export async function wrongIdentity(shelf: Shelf, id: string): Promise<string | undefined> {
  const bytes = await shelf.readWhole(IDENTITY)
  if (bytes === undefined) return 'is missing'
  return idIn(bytes, shelf) === id ? undefined : 'is damaged'
}

export async function writeIdentity(shelf: Shelf, id: string): Promise<void> {
  await shelf.write(IDENTITY, encoded(id))
}

function encoded(id: string): Buffer {
  const known = { kind: 'kaos store', version: VERSION, id }
  return Buffer.from(`${JSON.stringify({ ...known, check: checkOf(known) })}\n`)
}

/** undefined if the bytes are damaged. */
function idIn(bytes: Buffer, shelf: Shelf): string | undefined {
  const { version, id, check } = parsed(bytes.toString('utf8'))
  if (typeof id !== 'string' || !isId(id)) return undefined
  // The first stores had no check.
  if (check !== undefined && check !== checkOf({ version, id })) return undefined
  if (version === VERSION) return id
  throw refused(shelf, `is of version ${version}; this kaos reads ${VERSION}, use a newer one`)
}

function checkOf({ version, id }: { version: unknown; id: string }): string {
  return sixOf(`${version} ${id}`)
}

function parsed(text: string): { version?: unknown; id?: unknown; check?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function refused(shelf: Shelf, why: string): KaosError {
  return new KaosError('CONFIGURATION', `${IDENTITY} of the store in ${shelf.place} ${why}`)
}
