/** Several sequences as one, each item as it comes. */

/** Sources may be added while it runs, by `begin`; it ends when `begin` has, and all sources. A source
 * goes on when what it gave last was taken. Whoever stops taking has to end the sources himself. */
export async function* together<T>(
  begin: (add: (source: AsyncIterable<T>) => void) => Promise<void>,
): AsyncGenerator<T> {
  const queue: { item: T; taken: () => void }[] = []
  let open = 0
  let failure: unknown
  let closed = false
  let wake = () => {}

  const run = async (work: () => Promise<void>) => {
    open++
    try {
      await work()
    } catch (error) {
      failure ??= error
    } finally {
      open--
      wake()
    }
  }
  const drain = async (source: AsyncIterable<T>) => {
    for await (const item of source) {
      if (closed) return
      await new Promise<void>(taken => {
        queue.push({ item, taken })
        wake()
      })
    }
  }
  void run(() => begin(source => void run(() => drain(source))))
  try {
    for (;;) {
      const next = queue.shift()
      if (next !== undefined) {
        yield next.item
        next.taken()
      } else if (failure !== undefined) throw failure
      else if (open === 0) return
      else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  } finally {
    closed = true
    for (const { taken } of queue) taken()
  }
}
