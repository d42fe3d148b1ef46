/* Names that somebody may have meant: the nearest, if they are within two edits. */

export function nearest(typed: string, names: readonly string[], edits = 2): string[] {
  const all = names.map(name => ({
    name,
    away: distance(typed.toLowerCase(), name.toLowerCase()),
  }))
  const least = Math.min(...all.map(one => one.away))
  return all.filter(one => one.away === least && least <= edits).map(one => one.name)
}

/** Levenshtein's: insertions, deletions and replacements, one row of the table at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
