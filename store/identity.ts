/* Who a store is: made with its first start, compared by the ledger at every other. */
import { readdir, readFile } from 'node:fs/promises'
import { KaosError } from '../api/errors.ts'
import { isId, newId } from '../api/ids.ts'
import { type Files, type Layout, writeWhole } from './files.ts'

const VERSION = 1

/** The id that the folder's store.json holds, or a new one for a folder without packs. */
export async function identityOf(files: Files, layout: Layout): Promise<string> {
  const text = await readFile(layout.identity, 'utf8').catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) return idIn(text, layout)
  if ((await readdir(layout.packs)).some(name => name.endsWith('.idx'))) {
    throw refused(layout, 'is missing although there are packs; restore it from a backup')
  }
  const id = newId()
  const bytes = Buffer.from(`${JSON.stringify({ kind: 'kaos store', version: VERSION, id })}\n`)
  await writeWhole(files, layout.identity, bytes)
  await files.syncFolder(layout.root)
  return id
}

function idIn(text: string, layout: Layout): string {
  const found = parsed(text)
  if (found.version !== undefined && found.version !== VERSION) {
    throw refused(
      layout,
      `is of version ${found.version}; this kaos reads ${VERSION}, use a newer one`,
    )
  }
  if (typeof found.id === 'string' && isId(found.id)) return found.id
  throw refused(layout, 'is damaged; restore it from a backup')
}

function parsed(text: string): { version?: unknown; id?: unknown } {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function refused(layout: Layout, why: string): KaosError {
  return new KaosError('CONFIGURATION', `${layout.identity} ${why}`)
}
