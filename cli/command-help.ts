/* Help of one command: usage, options in the order of their declaration, examples. */
import { type Command, CommandHelp, Config, Flags, type Interfaces } from '@oclif/core'
import type { CommandClass } from './base.ts'
import { packageJson, packageRoot } from './package-root.ts'

const JSON_FLAG = Flags.boolean({ summary: 'print the result as JSON', helpGroup: 'GLOBAL' })
const HELP_FLAG = Flags.boolean({ summary: 'show this', helpGroup: 'GLOBAL' })

export async function commandHelp(id: string, loaded: CommandClass): Promise<string> {
  const config = await loadConfig()
  const json: Interfaces.FlagInput = loaded.enableJsonFlag ? { json: JSON_FLAG } : {}
  const all = { ...loaded.flags, ...json, ...loaded.baseFlags, help: HELP_FLAG }
  const flags = Object.entries(all).map(([name, flag]) => [name, { ...flag, name }])
  const args = Object.entries(loaded.args ?? {})
  const named = Object.fromEntries(args.map(([name, arg]) => [name, { ...arg, name }]))
  const command = {
    id: id.replaceAll(':', ' '),
    args: named,
    aliases: [],
    hiddenAliases: [],
    flags: Object.fromEntries(flags),
    description: loaded.description,
    examples: loaded.examples,
    usage: [id.replaceAll(':', ' '), ...args.map(argText), '[OPTIONS]'].join(' '),
    load: async () => loaded,
  } as unknown as Command.Loadable
  const width = Math.min(process.stdout.columns ?? 100, 100)
  const options = { maxWidth: width, flagSortOrder: 'none', docopts: false } as const
  const help = new CommandHelp(command, config, {
    ...options,
    hideCommandSummaryInDescription: true,
  })
  return `${loaded.summary}\n\n${help.generate()}`
}

/** `FOLDER`, `[FOLDER]`, `TAGS...` */
function argText([name, { required, multiple }]: [
  string,
  { required?: boolean; multiple?: boolean },
]) {
  const word = `${name.toUpperCase()}${multiple ? '...' : ''}`
  return required ? word : `[${word}]`
}

async function loadConfig(): Promise<Interfaces.Config> {
  const oclif = { bin: 'kaos', dirname: 'kaos', topicSeparator: ' ' }
  const options = { root: packageRoot, pjson: { ...packageJson(), oclif }, isRoot: true }
  return Config.load(options as Interfaces.LoadOptions & { root: string })
}
