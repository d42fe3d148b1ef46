/* Runs what templates hold, the way a runner does: as programs with their own interpreter line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

export const TEMPLATES = join(import.meta.dirname, '..', '..', 'templates')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export function temporaryFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'kaos-template-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

export async function runProgram(
  program: string,
  parameters: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(program, parameters, { env: { ...process.env, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', text => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (output.stderr += text))
  const [code] = await once(child, 'close')
  return { code, ...output }
}

/** Starts a copy of a bundle's `serve` with the files of a model beside it; answers with its
 * address once it says that it listens. */
export async function serve(
  t: TestContext,
  bundle: string,
  model: string,
): Promise<{ url: string; child: ChildProcess }> {
  const program = join(temporaryFolder(t), 'program')
  cpSync(join(bundle, 'model'), program, { recursive: true })
  cpSync(model, program, { recursive: true })
  const env = { ...process.env, PORT: '0' }
  const child = spawn(join(program, 'serve'), { env, stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^Listening on port (\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, child }
  }
  throw new Error('serve ended before it listened')
}

/** The rows of all tables in a folder of a data bundle. */
export function rowsIn(folder: string): string[][] {
  return readdirSync(folder).flatMap(file =>
    readFileSync(join(folder, file), 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => line.split(',')),
  )
}
