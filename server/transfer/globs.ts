/* Which paths of a folder are meant: `*` and `?` within one name, `**` for any folders between. What
 * fits a folder means all that is below it. Takes time in proportion to pattern and path, whatever
 * they are: no regular expressions. */
import { KaosError } from '../../api/errors.ts'

const PATTERNS_MAX = 64
const PATTERN_MAX = 1024

/** BAD_REQUEST for what is no pattern. */
export function pathMatcher(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length > PATTERNS_MAX) {
    throw new KaosError('BAD_REQUEST', `give at most ${PATTERNS_MAX} paths at once`)
  }
  const wanted = patterns.map(namesOf)
  return path => {
    const names = path.split('/')
    return wanted.some(pattern => fits(pattern, names))
  }
}

function namesOf(pattern: string): string[] {
  const names = pattern
    .replace(/^(\.?\/)+/, '')
    .split('/')
    .filter(Boolean)
  if (names.length > 0 && pattern.length <= PATTERN_MAX) return names
  const shown = JSON.stringify(pattern.slice(0, 100))
  throw new KaosError('BAD_REQUEST', `${shown} is no path; try one such as "training/*.csv"`)
}

/** Whether the pattern fits the path or a folder above it. Of several `**` only the last one need be
 * tried at other places: what came before it fitted already. */
function fits(pattern: readonly string[], names: readonly string[]): boolean {
  let [at, name] = [0, 0]
  let [star, retry] = [-1, 0]
  for (;;) {
    if (at === pattern.length) return true
    if (pattern[at] === '**') {
      star = at++
      retry = name
      // At the end it stands for whatever is below, and there is something.
      if (at === pattern.length) return name < names.length
    } else if (name < names.length && fitsName(pattern[at]!, names[name]!)) {
      at++
      name++
    } else if (star >= 0 && retry < names.length) {
      at = star + 1
      name = ++retry
    } else {
      return false
    }
  }
}

function fitsName(pattern: string, name: string): boolean {
  let [at, place] = [0, 0]
  let [star, retry] = [-1, 0]
  while (place < name.length) {
    if (pattern[at] === '*') {
      star = at++
      retry = place
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[place])) {
      at++
      place++
    } else if (star >= 0) {
      at = star + 1
      place = ++retry
    } else {
      return false
    }
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}
