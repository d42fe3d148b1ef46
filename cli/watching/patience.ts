/* Streams that are followed while their server may come and go. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isKaosError } from '../../api/errors.ts'

/** A server that is away for longer is not waited for. */
const AWAY_MS = 10 * 60_000
const AGAIN_MS = 500

/** Whether the server is there, as all who ask it learn. */
export class Reach {
  readonly #tell: (reachable: boolean) => void
  #since: number | undefined

  constructor(tell: (reachable: boolean) => void) {
    this.#tell = tell
  }

  met(): void {
    if (this.#since !== undefined) this.#tell(true)
    this.#since = undefined
  }

  /** Resolves when it is time to try again; rejects with what cannot pass, or has lasted too long. */
  async lost(error: unknown): Promise<void> {
    if (!isKaosError(error, 'UNREACHABLE')) throw error
    if (this.#since === undefined) this.#tell(false)
    this.#since ??= performance.now()
    if (performance.now() - this.#since > AWAY_MS) throw error
    await sleep(AGAIN_MS)
  }
}

/** Calls until it answers. */
export async function asked<T>(reach: Reach, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      const answer = await call()
      reach.met()
      return answer
    } catch (error) {
      await reach.lost(error)
    }
  }
}

/** Takes all of a stream, from the beginning each time that it had to be opened again. A stream can end
 * because its server does: it is whole when what it tells of was over before it was opened. */
export async function wholeStream(
  reach: Reach,
  open: () => AsyncIterable<Uint8Array>,
  isOver: () => Promise<boolean>,
  take: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  for (let over = false; ; ) {
    try {
      await take(noted(reach, open()))
      if (over) return
      over = await asked(reach, isOver)
      if (!over) await sleep(AGAIN_MS)
    } catch (error) {
      await reach.lost(error)
    }
  }
}

async function* noted(reach: Reach, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    reach.met()
    yield piece
  }
}

/** The lines of a stream as they come, as many at a time as there are; a last one without an end too. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of bytes) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
    rest = lines.pop()!
    if (lines.length > 0) yield lines
  }
  if (rest !== '') yield [rest]
}
