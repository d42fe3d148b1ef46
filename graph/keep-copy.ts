/* Before a ledger is brought to a newer schema a copy of it is kept, so that one can go back. */
import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

export interface Older {
  readonly schema: number
  /** Statements in its log. */
  readonly size: number
}

/** In `before-schema-N-<statements>` of this folder, N being the first that the copy does not have. One
 * that is there already stays: it was made before a migration that was killed. */
export async function keepCopy(
  { schema, size }: Older,
  folder: string,
  copy: (file: string) => Promise<void>,
): Promise<string> {
  const own = join(folder, `before-schema-${schema + 1}-${size}`)
  const file = join(own, 'ledger.sqlite')
  if (existsSync(file)) return file
  await mkdir(own, { recursive: true, mode: 0o700 })
  const part = `${file}.part`
  await rm(part, { force: true })
  await copy(part)
  await rename(part, file)
  for (const name of [own, folder]) {
    const handle = await open(name, 'r')
    await handle.sync()
    await handle.close()
  }
  return file
}
