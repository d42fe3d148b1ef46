/** A command in the table, which is loaded when it is asked for. */
import type { CommandClass } from './base.ts'

export interface Entry {
  readonly summary: string
  load(): Promise<CommandClass>
}

export function command(summary: string, module: () => Promise<{ default: CommandClass }>): Entry {
  const load = async () => {
    const loaded = (await module()).default
    loaded.summary = summary
    return loaded
  }
  return { summary, load }
}
