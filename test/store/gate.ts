/** Something that is held up: whoever comes waits until it is let go. */
export class Gate {
  readonly #come = Promise.withResolvers<void>()
  readonly #go = Promise.withResolvers<void>()

  /** Resolves when somebody has come. */
  get come(): Promise<void> {
    return this.#come.promise
  }

  pass(): Promise<void> {
    this.#come.resolve()
    return this.#go.promise
  }

  open(): void {
    this.#go.resolve()
  }
}
