/* Logs: fetched or followed, shown, and kept in a file as the original did. */
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isKaosError } from '../api/errors.ts'
import type { Client } from './client.ts'

/** The whole log so far, also written to the file. */
export async function saveLog(client: Client, path: string, file: string): Promise<string> {
  const text = (await client.bytes(path)).toString('utf8')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return text
}

/** Follows a log to its end; a lost connection is taken up where it broke off. */
export async function followLog(
  client: Client,
  path: string,
  shown: (bytes: Uint8Array) => void,
): Promise<void> {
  let seen = 0
  for (let fruitless = 0; fruitless < 3; ) {
    let skip = seen
    try {
      for await (const bytes of client.stream(path, { follow: true })) {
        const fresh = bytes.subarray(Math.min(skip, bytes.length))
        skip -= bytes.length - fresh.length
        if (fresh.length === 0) continue
        seen += fresh.length
        fruitless = 0
        shown(fresh)
      }
      return
    } catch (error) {
      if (!isKaosError(error, 'UNREACHABLE')) throw error
      if (++fruitless === 3) throw error
      await sleep(500)
    }
  }
}

/** Follows into the file as well. */
export async function followIntoFile(
  client: Client,
  path: string,
  file: string,
  shown: (bytes: Uint8Array) => void,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  const written = createWriteStream(file)
  let any = false
  try {
    await followLog(client, path, bytes => {
      any = true
      written.write(bytes)
      shown(bytes)
    })
  } finally {
    written.end()
    await finished(written)
    if (!any) rmSync(file, { force: true })
  }
}

/** The last lines of a log; nothing when there is none. Only an aid, so it never fails. */
export async function tailOf(client: Client, path: string, lines = 15): Promise<string> {
  try {
    const text = (await client.bytes(path)).toString('utf8').trimEnd()
    return text.split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}
