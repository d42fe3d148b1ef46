import type { DiffView, FileChange } from '../../api/wire.ts'
import { Args } from '../options.ts'
import { page } from '../pager.ts'
import { byteText, countText } from '../times.ts'
import { CatalogueCommand } from './command.ts'

interface Compared {
  readonly from: DiffView['from']
  readonly to: DiffView['to']
  readonly changes: FileChange[]
  readonly added: Amount
  readonly removed: Amount
  readonly changed: Amount & { before: number }
}

interface Amount {
  files: number
  bytes: number
}

/** Up to here all lines are held for the pager; more go straight through. */
const HELD_MAX = 10_000

export abstract class Diff extends CatalogueCommand {
  static override description =
    'Files that were added (+), removed (-), changed (~), or became executable or no longer are (x), with their sizes. The exit code is 0 whether there are any or not.'
  static override args = {
    from: Args.string({ required: true, description: 'version, tag, short id or digest' }),
    to: Args.string({ required: true, description: 'the same of the other' }),
  }

  async run(): Promise<Compared> {
    const { args } = await this.parse(Diff)
    const { client, base } = await this.workspaceSession()
    const totals = { added: none(), removed: none(), changed: { ...none(), before: 0 } }
    const kept: FileChange[] = []
    const lines = new Lines(!this.jsonEnabled())
    let last: DiffView | undefined
    while (last === undefined || last.next !== null) {
      const cursor: string | undefined = last?.next ?? undefined
      const query = { from: args.from, to: args.to, kind: this.noun, cursor }
      last = await client.get<DiffView>(`${base}/diff`, query)
      for (const change of last.changes) {
        count(totals, change)
        lines.add(lineOf(change))
        if (this.jsonEnabled()) kept.push(change)
      }
    }
    await lines.end()
    const { from, to } = last
    this.info(`${from.reference} to ${to.reference}: ${summary(totals)}`)
    return { from, to, changes: kept, ...totals }
  }
}

/** Lines on their way to the pager, or past it. */
class Lines {
  readonly #shown: boolean
  #held: string[] = []
  #flows = false

  constructor(shown: boolean) {
    this.#shown = shown
  }

  add(line: string): void {
    if (!this.#shown) return
    this.#held.push(line)
    if (this.#held.length < HELD_MAX && !this.#flows) return
    process.stdout.write(`${this.#held.join('\n')}\n`)
    this.#held = []
    this.#flows = true
  }

  async end(): Promise<void> {
    if (this.#held.length > 0) await page(this.#held.join('\n'))
  }
}

function none(): Amount {
  return { files: 0, bytes: 0 }
}

type Totals = Pick<Compared, 'added' | 'removed' | 'changed'>

function count(totals: Totals, { change, before, after }: FileChange): void {
  if (change === 'added') {
    totals.added.files++
    totals.added.bytes += after ?? 0
  } else if (change === 'removed') {
    totals.removed.files++
    totals.removed.bytes += before ?? 0
  } else {
    totals.changed.files++
    totals.changed.before += before ?? 0
    totals.changed.bytes += after ?? 0
  }
}

function lineOf({ path, change, before, after }: FileChange): string {
  const name = path.replace(/\p{Cc}/gu, '\u{FFFD}')
  if (change === 'added') return `+ ${name} (${byteText(after ?? 0)})`
  if (change === 'removed') return `- ${name} (${byteText(before ?? 0)})`
  if (change === 'mode') return `x ${name}`
  return `~ ${name} (${byteText(before ?? 0)}, now ${byteText(after ?? 0)})`
}

function summary({ added, removed, changed }: Totals): string {
  const parts = [
    ...(added.files > 0
      ? [`${countText(added.files, 'file')} added (${byteText(added.bytes)})`]
      : []),
    ...(removed.files > 0
      ? [`${countText(removed.files, 'file')} removed (${byteText(removed.bytes)})`]
      : []),
    ...(changed.files > 0
      ? [
          `${countText(changed.files, 'file')} changed (${byteText(changed.before)}, now ${byteText(changed.bytes)})`,
        ]
      : []),
  ]
  return parts.length === 0 ? 'no file differs' : parts.join(', ')
}
