/* The difference of two texts, line by line, as `diff -u` writes it. The shortest way from one to the
 * other (Myers 1986, "An O(ND) Difference Algorithm"), as long as it is not too long: texts that have
 * little in common are told as one taken out and the other put in. */

/** Lines that stay around a change. */
const CONTEXT = 3
/** Lines taken out and put in, at most: memory grows with its square. */
const WAY_MAX = 1500

type Step = ' ' | '-' | '+'
interface Line {
  readonly step: Step
  readonly text: string
}

/** Empty when the texts are equal. */
export function unifiedDiff(
  before: string,
  after: string,
  names: readonly [string, string],
): string {
  if (before === after) return ''
  const [a, b] = [linesOf(before), linesOf(after)]
  const hunks = hunksOf(changed(a, b))
  return [`--- ${names[0]}`, `+++ ${names[1]}`, ...hunks, ''].join('\n')
}

/** Without the end of the last line; a text that lacks it says so, as diff does. */
function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  else lines.push(`${lines.pop()}\n\\ No newline at end of file`)
  return lines
}

function changed(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end))
    end++
  const [oldMiddle, newMiddle] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  const kept = (text: string): Line => ({ step: ' ', text })
  return [
    ...a.slice(0, start).map(kept),
    ...(shortestWay(oldMiddle, newMiddle) ?? replaced(oldMiddle, newMiddle)),
    ...a.slice(a.length - end).map(kept),
  ]
}

function replaced(a: readonly string[], b: readonly string[]): Line[] {
  return [
    ...a.map((text): Line => ({ step: '-', text })),
    ...b.map((text): Line => ({ step: '+', text })),
  ]
}

/** Undefined when it is longer than WAY_MAX. On diagonal k after d steps, `furthest` is how far into
 * `a` one can come; each round is kept, to find the way back. */
function shortestWay(a: readonly string[], b: readonly string[]): Line[] | undefined {
  const most = Math.min(a.length + b.length, WAY_MAX)
  let furthest = new Int32Array(3)
  const rounds: Int32Array[] = []
  for (let d = 0; d <= most; d++) {
    rounds.push(furthest)
    const next = new Int32Array(2 * d + 5)
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(furthest, k - 1, d) < at(furthest, k + 1, d))
      let x = d === 0 ? 0 : down ? at(furthest, k + 1, d) : at(furthest, k - 1, d) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      next[k + d + 2] = x
      if (x >= a.length && x - k >= b.length) return wayBack(a, b, rounds, d)
    }
    furthest = next
  }
  return undefined
}

/** Of the round before round d, whose middle is at d + 1. */
function at(round: Int32Array, k: number, d: number): number {
  return round[k + d + 1] ?? -1
}

function wayBack(
  a: readonly string[],
  b: readonly string[],
  rounds: readonly Int32Array[],
  steps: number,
): Line[] {
  const lines: Line[] = []
  let [x, y] = [a.length, b.length]
  for (let d = steps; d > 0; d--) {
    const before = rounds[d]!
    const k = x - y
    const down = k === -d || (k !== d && at(before, k - 1, d) < at(before, k + 1, d))
    const after = down ? at(before, k + 1, d) : at(before, k - 1, d) + 1
    for (; x > after; y--) lines.push({ step: ' ', text: a[--x]! })
    if (down) lines.push({ step: '+', text: b[--y]! })
    else lines.push({ step: '-', text: a[--x]! })
  }
  while (x > 0) lines.push({ step: ' ', text: a[--x]! })
  return lines.reverse()
}

function hunksOf(lines: readonly Line[]): string[] {
  const texts: string[] = []
  let [oldLine, newLine] = [1, 1]
  for (let i = 0; i < lines.length; ) {
    const first = lines.findIndex((line, j) => j >= i && line.step !== ' ')
    if (first === -1) break
    const from = Math.max(i, first - CONTEXT)
    for (; i < from; i++) [oldLine, newLine] = passed(lines[i]!, oldLine, newLine)
    const to = endOfHunk(lines, first)
    const hunk = lines.slice(from, to)
    const count = (step: Step) => hunk.filter(line => line.step !== step).length
    texts.push(`@@ -${range(oldLine, count('+'))} +${range(newLine, count('-'))} @@`)
    texts.push(...hunk.map(({ step, text }) => step + text))
    for (; i < to; i++) [oldLine, newLine] = passed(lines[i]!, oldLine, newLine)
  }
  return texts
}

function passed({ step }: Line, oldLine: number, newLine: number): [number, number] {
  return [oldLine + Number(step !== '+'), newLine + Number(step !== '-')]
}

/** After the last change that has fewer than two contexts of equal lines before the next. */
function endOfHunk(lines: readonly Line[], first: number): number {
  let last = first
  for (let i = first; i < lines.length && i - last <= 2 * CONTEXT; i++) {
    if (lines[i]!.step !== ' ') last = i
  }
  return Math.min(lines.length, last + 1 + CONTEXT)
}

/** An empty side names the line before it. */
function range(start: number, count: number): string {
  if (count === 0) return `${start - 1},0`
  return count === 1 ? String(start) : `${start},${count}`
}
