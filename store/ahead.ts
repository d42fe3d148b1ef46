/** What `fetch` answers for each item, in order, with up to `count` fetches under way. Whoever stops
 * early, or meets a failure, leaves none that nobody waits for. */
export async function* ahead<Item, Answer>(
  items: Iterable<Item>,
  count: number,
  fetch: (item: Item) => Promise<Answer>,
): AsyncGenerator<Answer, void, undefined> {
  const underway: Promise<Answer>[] = []
  try {
    for (const item of items) {
      const fetching = fetch(item)
      // Met when its turn comes; until then a failure must not count as unhandled.
      fetching.catch(() => undefined)
      underway.push(fetching)
      if (underway.length >= count) yield await underway.shift()!
    }
    while (underway.length > 0) yield await underway.shift()!
  } finally {
    await Promise.allSettled(underway)
  }
}
