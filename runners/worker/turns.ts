const CALLS_PER_TURN = 128

/** Long rows of short calls that never leave the thread: after so many others get a turn. */
export class Turns {
  #calls = 0

  /** What to wait for, if it is the others' turn. */
  take(): Promise<void> | undefined {
    if (++this.#calls % CALLS_PER_TURN !== 0) return undefined
    return new Promise(done => setImmediate(done))
  }
}
