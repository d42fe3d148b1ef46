/** A command in the table: to oclif it looks like a class, which is loaded when it is asked for. */
import type { Command, Interfaces } from '@oclif/core'

export interface Entry {
  readonly summary: string
  load(): Promise<Command.Class>
  run(argv: string[], options: Interfaces.LoadOptions): Promise<unknown>
}

export function command(summary: string, module: () => Promise<{ default: Command.Class }>): Entry {
  const load = async () => {
    const loaded = (await module()).default
    loaded.summary = summary
    return loaded
  }
  return { summary, load, run: async (argv, options) => (await load()).run(argv, options) }
}
