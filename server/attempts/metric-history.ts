/* What a training said of its metrics while it ran, as its last values: of each key the one of the
 * highest step, of several at that step the last. */
import type { Digest } from '../../api/digest.ts'
import type { Store } from '../../store/store.ts'
import { readFile } from '../../store/trees.ts'

/** As many as a worker keeps apart, and as long: they go into the ledger and into every listing. */
const KEYS_MAX = 250
const KEY_MAX = 250
const LINE_MAX = 64 * 1024
const NEWLINE = 10

export async function lastSaid(store: Store, history: Digest): Promise<Record<string, number>> {
  const last = new Map<string, { value: number; step: number }>()
  for await (const line of linesOf(readFile(store, history))) {
    const point = pointIn(line)
    if (point === undefined) continue
    const known = last.get(point.key)
    if (known === undefined ? last.size < KEYS_MAX : point.step >= known.step) {
      last.set(point.key, point)
    }
  }
  return Object.fromEntries([...last].map(([key, { value }]) => [key, value]))
}

/** Undefined for what is none: a worker is not trusted to write JSON. */
function pointIn(line: string): { key: string; value: number; step: number } | undefined {
  try {
    const { key, value, step } = JSON.parse(line) as Record<string, unknown>
    if (typeof key !== 'string' || key.length > KEY_MAX) return undefined
    if (!Number.isFinite(value) || !Number.isSafeInteger(step)) return undefined
    return { key, value: value as number, step: step as number }
  } catch {
    return undefined
  }
}

async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array = Buffer.alloc(0)
  for await (const chunk of bytes) {
    let begin = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, begin)) {
      yield Buffer.concat([rest, chunk.subarray(begin, end)]).toString('utf8')
      rest = Buffer.alloc(0)
      begin = end + 1
    }
    // A line that has no end is none.
    if (rest.length <= LINE_MAX) rest = Buffer.concat([rest, chunk.subarray(begin)])
  }
}
