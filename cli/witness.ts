/* The CLI as a witness. It remembers the last checkpoint that each installation showed, and asks for
 * the proof that what it shows now only added to that. A server that cannot prove it has changed or
 * lost history, and everybody who uses it should know.
 *
 * One file for each installation, `<state>/kaos/logs/<ledger id>.json`. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openCheckpoint, originOf } from '../api/checkpoint.ts'
import { isKaosError, KaosError } from '../api/errors.ts'
import { EMPTY, rootOf, verifyConsistency } from '../api/merkle.ts'
import { believable, type KeySet, publicKeyOf, type SigningKey } from '../api/signing-keys.ts'
import type { CheckpointView, ConsistencyView, ServerView } from '../api/wire.ts'
import type { Client } from './client.ts'

export interface Memory {
  readonly size: number
  readonly root: string
  readonly note: string
  readonly keys: readonly SigningKey[]
  /** When it was last compared, ms since 1970. */
  readonly looked: number
}

export interface Witnessed {
  readonly checkpoint: CheckpointView
  /** Size of the log when it was last seen from here; undefined when it is seen for the first time. */
  readonly before: number | undefined
}

/** Every command looks, but not more often than this. */
const LOOK_AGAIN_MS = 10 * 60_000
const LOUD = ['HISTORY_CHANGED', 'SIGNATURE_INVALID'] as const
const INSTALLATION = /^[0-9a-f]{32}$/

/** Compares what the server shows with what was seen before. HISTORY_CHANGED when it is not the same
 * history, SIGNATURE_INVALID when no key that is believed has signed it. */
export async function witness(client: Client, state: string): Promise<Witnessed> {
  const { installation } = await client.get<ServerView>('/server')
  const origin = originOf(installation)
  const memory = recall(state, installation)
  const checkpoint = await client.get<CheckpointView>('/ledger/checkpoint')
  const { keys } = await client.get<KeySet>('/ledger/keys')
  const believed = believable(origin, memory?.keys ?? [], keys)
  const named = believed.map(key => ({ name: origin, publicKey: publicKeyOf(key) }))
  const { size, root, origin: said } = openCheckpoint(checkpoint.note, named)
  if (said !== origin || size !== checkpoint.size || root !== checkpoint.root) {
    throw new KaosError(
      'SIGNATURE_INVALID',
      'the checkpoint says something else than its signed note',
    )
  }
  if (memory) await requireSameHistory(client, memory, { size, root })
  remember(state, installation, {
    size,
    root,
    note: checkpoint.note,
    keys: believed,
    looked: Date.now(),
  })
  return { checkpoint, before: memory?.size }
}

/** The same for any command, when it is time again. A server that cannot prove anything, being old, is
 * let through. */
export async function lookAgain(client: Client, state: string): Promise<void> {
  try {
    const { installation } = await client.get<Partial<ServerView>>('/server')
    if (installation === undefined || !INSTALLATION.test(installation)) return
    const memory = recall(state, installation)
    if (memory && Date.now() - memory.looked < LOOK_AGAIN_MS) return
    await witness(client, state)
  } catch (error) {
    // Whatever else is wrong, the command itself will meet and name.
    if (LOUD.some(code => isKaosError(error, code))) throw error
  }
}

async function requireSameHistory(
  client: Client,
  memory: Memory,
  { size, root }: { size: number; root: string },
): Promise<void> {
  const seen = `${memory.size} statements with the root ${memory.root.slice(0, 16)}…`
  if (size < memory.size) throw changed(`it showed ${seen} before, and now only ${size}`)
  const query = { first: memory.size, second: size }
  const { proof } = await client.get<ConsistencyView>('/ledger/consistency', query)
  const bytes = (hex: string) => Buffer.from(hex, 'hex')
  const good = verifyConsistency({
    first: memory.size,
    firstRoot: memory.size === 0 ? rootOf(EMPTY) : bytes(memory.root),
    second: size,
    secondRoot: bytes(root),
    proof: proof.map(bytes),
  })
  if (!good) throw changed(`it cannot prove that its ${size} statements begin with the ${seen}`)
}

function changed(why: string): KaosError {
  const message = `THE SERVER SHOWS ANOTHER HISTORY than the one seen from here: ${why}`
  const next =
    'ask its administrator; if the ledger was restored from an older backup on purpose, forget what was seen with: kaos ledger forget'
  return new KaosError('HISTORY_CHANGED', `${message}. ${next}`)
}

/** Forgets what was seen of an installation; answers whether there was anything. */
export function forget(state: string, installation: string): boolean {
  const known = recall(state, installation) !== undefined
  rmSync(fileOf(state, installation), { force: true })
  return known
}

/** What was seen of an installation; undefined when it was never met. */
export function recall(state: string, installation: string): Memory | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(state, installation), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const file = fileOf(state, installation)
    const message = `${file} cannot be read, so history cannot be compared; restore or remove it`
    throw new KaosError('CONFIGURATION', message, { cause: error })
  }
}

function remember(state: string, installation: string, memory: Memory): void {
  const file = fileOf(state, installation)
  mkdirSync(join(state, 'kaos', 'logs'), { recursive: true, mode: 0o700 })
  const part = `${file}.${process.pid}`
  writeFileSync(part, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 })
  renameSync(part, file)
}

function fileOf(state: string, installation: string): string {
  if (!INSTALLATION.test(installation)) {
    throw new KaosError('CONFIGURATION', 'the server does not say which installation it is')
  }
  return join(state, 'kaos', 'logs', `${installation}.json`)
}
