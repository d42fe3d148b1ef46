/* Tables in the original's look: a grid of + - |, a rule after every row, cells centred, an optional
 * title over all columns. An odd blank goes where the original put it: to the right of a text of odd
 * length, to the left of one of even length. */

export type Cell = string | number | boolean | null | undefined

export interface Table {
  readonly title?: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
}

/** Narrower no column is made: then the table is wider than the terminal. */
const NARROW = 12

/** The lines of a table, without an empty line around it. On a terminal no wider than that. */
export function tableLines({ title, columns, rows }: Table, room = terminalColumns()): string[] {
  const whole = [columns, ...rows].map(row => row.map(linesOf))
  const wanted = columns.map((_, at) => Math.max(...whole.map(row => widest(row[at] ?? ['']))))
  const widths = room === undefined ? wanted : narrowed(wanted, room)
  const grid = whole.map(row =>
    row.map((lines, at) => lines.flatMap(line => wrapped(line, widths[at] ?? NARROW))),
  )
  const inner = () => widths.reduce((sum, width) => sum + width + 3, -1)
  if (title !== undefined && widths.length > 0) {
    widths[widths.length - 1]! += Math.max(0, widthOf(title) + 2 - inner())
  }
  const rule = `+${widths.map(width => '-'.repeat(width + 2)).join('+')}+`
  const head =
    title === undefined ? [] : [`+${'-'.repeat(inner())}+`, `|${centred(title, inner())}|`]
  return [...head, rule, ...grid.flatMap(row => [...rowLines(row, widths), rule])]
}

function terminalColumns(): number | undefined {
  return process.stdout.isTTY === true ? process.stdout.columns : undefined
}

/** So much taken from the widest columns that all fit. */
function narrowed(wanted: readonly number[], room: number): number[] {
  const widths = [...wanted]
  const all = () => widths.reduce((sum, width) => sum + width + 3, 1)
  while (all() > room) {
    const at = widths.indexOf(Math.max(...widths))
    if (widths[at]! <= NARROW) break
    widths[at]!--
  }
  return widths
}

/** Lines of at most that width, broken behind what separates words where there is such a place. */
function wrapped(line: string, width: number): string[] {
  const lines: string[] = []
  let rest = line
  while (widthOf(rest) > width) {
    let part = ''
    for (const letter of rest) {
      if (widthOf(part + letter) > width) break
      part += letter
    }
    const place = Math.max(...[...' /_:,='].map(mark => part.lastIndexOf(mark))) + 1
    const end = place > part.length / 2 ? place : Math.max(part.length, 1)
    lines.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end)
  }
  return [...lines, rest]
}

/** A table as one block of text with an empty line before and after it. */
export function tableBlock(table: Table): string {
  return ['', ...tableLines(table), ''].join('\n')
}

function rowLines(row: readonly string[][], widths: readonly number[]): string[] {
  const height = Math.max(...row.map(lines => lines.length))
  return Array.from({ length: height }, (_, line) => {
    const cells = widths.map((width, at) => ` ${centred(row[at]?.[line] ?? '', width)} `)
    return `|${cells.join('|')}|`
  })
}

function centred(text: string, width: number): string {
  const spare = width - widthOf(text)
  const small = Math.floor(spare / 2)
  const left = widthOf(text) % 2 === 0 ? spare - small : small
  return ' '.repeat(left) + text + ' '.repeat(spare - left)
}

/* Control characters of a name must not reach the terminal: one would break the grid, or more. */
function linesOf(cell: Cell): string[] {
  const text = cell === null || cell === undefined ? 'None' : wordOf(cell)
  return text.split('\n').map(line => line.replace(/\p{Cc}/gu, '\u{FFFD}'))
}

function wordOf(cell: string | number | boolean): string {
  if (typeof cell === 'boolean') return cell ? 'True' : 'False'
  return String(cell)
}

function widest(lines: readonly string[]): number {
  return Math.max(...lines.map(widthOf))
}

/* Columns on a terminal: East Asian wide letters and pictures take two, combining marks none. */
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

/** What of a line fits; the last letter says that there was more. */
export function fitted(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line
  let kept = ''
  let width = 1
  for (const letter of line) {
    width += widthOf(letter)
    if (width > columns) break
    kept += letter
  }
  return `${kept}\u2026`
}

export function widthOf(text: string): number {
  let width = 0
  for (const letter of text) {
    if (!/\p{Mn}/u.test(letter)) width += WIDE.test(letter) ? 2 : 1
  }
  return width
}
