/** Room for so much at once. What must be taken up may exceed it: then nothing new fits for a while. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a slot; throws the signal's reason when aborted. */
  async take(signal: AbortSignal): Promise<void> {
    while (this.#free <= 0) {
      await new Promise<void>((resolve, reject) => {
        const abort = () => reject(signal.reason)
        signal.addEventListener('abort', abort, { once: true })
        this.#waiting.push(() => {
          signal.removeEventListener('abort', abort)
          resolve()
        })
        if (signal.aborted) abort()
      })
    }
    this.#free--
  }

  force(): void {
    this.#free--
  }

  give(): void {
    this.#free++
    this.#waiting.shift()?.()
  }
}
