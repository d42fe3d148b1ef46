/* What another program finds in an archive. */
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'

/** Files by path, in the order of the archive. */
export async function filesIn(archive: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  const entries = extract()
  Readable.from([archive]).pipe(entries)
  for await (const entry of entries) {
    const parts = (await Array.fromAsync(entry)) as Buffer[]
    if (entry.header.type === 'file') files[entry.header.name] = Buffer.concat(parts).toString()
  }
  return files
}
