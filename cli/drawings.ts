/* Provenance drawings: made by the server, written here. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from './client.ts'

/** Writes `<out>/<ws>/provenance/<name>.<format>` and answers that path. */
export async function saveDrawing(
  client: Client,
  path: string,
  place: { out: string; workspace: string; name: string; format: string },
  question: Readonly<Record<string, string | number | undefined>> = {},
): Promise<string> {
  const bytes = await client.bytes(path, { ...question, format: place.format })
  const folder = join(place.out, place.workspace, 'provenance')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${place.name}.${place.format}`)
  const part = `${file}.${process.pid}.part`
  try {
    writeFileSync(part, bytes)
    renameSync(part, file)
  } finally {
    rmSync(part, { force: true })
  }
  return file
}
