/* Which form a worker's folder has. What an older kaos left is taken as it is or brought to this form;
 * of a newer one nothing is touched. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { writeDurably } from './durably.ts'

export const FORM = 1

/** SCHEMA_NEWER when a newer kaos has worked in the folder. */
export async function requireForm(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'form.json')
  // The first ones did not say it.
  const found = await readFile(file, 'utf8').then(
    text => (JSON.parse(text) as { form: number }).form,
    () => 0,
  )
  if (found === FORM) return
  if (found > FORM) {
    const what = `the worker's folder ${folder} was written by a newer kaos (form ${found}, this one knows ${FORM})`
    throw new KaosError('SCHEMA_NEWER', `${what}; start that version`, {
      detail: { found, known: FORM },
    })
  }
  writeDurably(file, { form: FORM })
}
