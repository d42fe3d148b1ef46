/** Work that is done one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Does the work when all that was taken before has ended, however it ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }

  /** Resolves when all that was taken until now has ended. */
  async idle(): Promise<void> {
    await this.#last
  }
}
