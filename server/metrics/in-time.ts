/** Prometheus gives up after ten seconds. */
const ANSWER_MS = 3000

/** What the part answers; undefined when it fails, or has not answered in time: then a scrape tells the
 * rest. */
export async function inTime<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), ANSWER_MS)
  const answer = ask().catch(() => undefined)
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
