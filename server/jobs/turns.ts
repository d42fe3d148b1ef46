/** One after the other per name: what changes a job waits for what changes it already. The ledger's
 * compare and set decides all the same; this only keeps the losers few. */
export interface Turns {
  take<T>(name: string, work: () => Promise<T>): Promise<T>
}

export function openTurns(): Turns {
  const last = new Map<string, Promise<unknown>>()

  async function take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = last.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }

  return { take }
}
