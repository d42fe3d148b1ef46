/* From the words on the command line to a command, and from what it throws to an exit code. */
import type { Interfaces } from '@oclif/core'
import { findCommand, normaliseArgv } from './argv.ts'
import { commands } from './commands.ts'
import { packageJson, packageRoot } from './package-root.ts'
import { report } from './words.ts'

/** Runs the command and answers the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  const words = normaliseArgv(argv)
  let code: number
  try {
    await carryOut(words)
    code = Number(process.exitCode ?? 0)
  } catch (error) {
    code = report(error, words.includes('--json'))
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  return code
}

async function carryOut(words: readonly string[]): Promise<void> {
  if (words[0] === '--version') return print(`kaos ${packageJson().version}`)
  const help = words.slice(0, endOfOptions(words)).includes('--help')
  const named = help ? words.filter(word => !word.startsWith('-')) : words
  if (named.length === 0) return print((await import('./help.ts')).rootHelp())
  const asked = findCommand(named, Object.keys(commands))
  if (asked.kind === 'group') return print((await import('./help.ts')).groupHelp(asked.words))
  const { id, rest } = asked
  const loaded = await commands[id]!.load()
  loaded.id = id
  const config = await loadConfig()
  if (!help) return void (await loaded.run(rest, config))
  const { commandHelp } = await import('./command-help.ts')
  return print(commandHelp(id, loaded, config))
}

function endOfOptions(words: readonly string[]): number {
  const end = words.indexOf('--')
  return end === -1 ? words.length : end
}

/** What oclif needs to parse and to show help. Finding commands is done here, without it. */
async function loadConfig(): Promise<Interfaces.Config> {
  const { Config } = await import('@oclif/core')
  const oclif = { bin: 'kaos', dirname: 'kaos', topicSeparator: ' ' }
  const options = { root: packageRoot, pjson: { ...packageJson(), oclif }, isRoot: true }
  return Config.load(options as Interfaces.LoadOptions & { root: string })
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** A pipe takes what was written only when it can; exit would cut it. */
function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise(resolve => {
    if (stream.destroyed || stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}
