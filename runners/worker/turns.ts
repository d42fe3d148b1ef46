const CALLS_PER_TURN = 128

/** Long rows of short calls that never leave the thread: after so many others get a turn. */
export class Turns {
  #calls = 0

  async take(): Promise<void> {
    if (++this.#calls % CALLS_PER_TURN === 0) await new Promise(done => setImmediate(done))
  }
}
