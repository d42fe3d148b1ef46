import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'

/** A new folder that is gone after the test. */
export async function temporaryFolder(t: Pick<TestContext, 'after'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kaos-test-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Files by their path; a path that ends in `/` is an empty folder. */
export type Files = Record<string, string | Uint8Array>

export async function lay(folder: string, files: Files): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    const target = join(folder, path)
    if (path.endsWith('/')) {
      await mkdir(target, { recursive: true })
      continue
    }
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
  }
}

/** What lies in a folder, as `lay` takes it, with folders that hold nothing. */
export async function contentsOf(folder: string): Promise<Record<string, Buffer>> {
  // From pairs, since a file may be called `__proto__`.
  return Object.fromEntries(await filesBelow(folder, ''))
}

async function filesBelow(folder: string, prefix: string): Promise<[string, Buffer][]> {
  const found: [string, Buffer][] = []
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if ((await lstat(path)).isDirectory()) {
      const below = await filesBelow(path, `${prefix}${name}/`)
      found.push(...(below.length > 0 ? below : [[`${prefix}${name}/`, empty] as [string, Buffer]]))
    } else found.push([prefix + name, await readFile(path)])
  }
  return found
}

const empty = Buffer.alloc(0)
