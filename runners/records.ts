/* What a runner over an engine remembers of a place, in `dir/run`, so that another process finds it: how the
 * program was started, when a stop was asked for, how it ended. Each is written once, whole. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../api/attempts.ts'
import type { Exit, Place } from './runner.ts'
import type { Purpose } from './sandbox.ts'

export interface Started {
  /** Whatever finds it again in its engine. */
  readonly container: string
  readonly purpose: Purpose
  readonly startedAt: string
  readonly environment: Environment
}

export interface Asked {
  readonly namespace: string
  readonly purpose: Purpose
  /** The limit, 0 if there is none. */
  readonly memoryBytes: number
  readonly environment: Environment
}

/** After the `same`-th entry of this time of the engine, the file had so many bytes. */
export interface Cursor {
  readonly time: string
  readonly same: number
  readonly size: number
}

interface Records {
  started: Started
  stop: { readonly at: string }
  /** What was asked of an engine that carries it out later. */
  asked: Asked
  /** How far the log is kept, where the engine's own cannot be read from its start again. */
  cursor: Cursor
  exit: Exit
  /** The log holds all it will ever hold. */
  log: { readonly complete: true }
}

export async function writeRecord<K extends keyof Records>(
  place: Place,
  name: K,
  value: Records[K],
) {
  const folder = join(place.dir, 'run')
  const draft = join(folder, `${name}.${randomUUID()}`)
  await mkdir(folder, { recursive: true })
  await writeFile(draft, JSON.stringify(value))
  await rename(draft, join(folder, `${name}.json`))
}

export async function readRecord<K extends keyof Records>(
  place: Place,
  name: K,
): Promise<Records[K] | undefined> {
  try {
    return JSON.parse(await readFile(join(place.dir, 'run', `${name}.json`), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export async function forget(place: Place): Promise<void> {
  await rm(join(place.dir, 'run'), { recursive: true, force: true })
}
