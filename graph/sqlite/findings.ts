/* What a verification found, as sentences. A damaged ledger can differ in every row; the first
 * hundred are enough to see what happened. */

const SHOWN = 100

export interface Findings {
  add(sentence: string): void
  sentences(): string[]
}

export function openFindings(): Findings {
  const shown: string[] = []
  let more = 0
  return {
    add(sentence) {
      if (shown.length < SHOWN) shown.push(sentence)
      else more += 1
    },
    sentences: () => (more === 0 ? shown : [...shown, `and ${more} more differences`]),
  }
}
