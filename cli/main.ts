/* From the words on the command line to a command, and from what it throws to an exit code. */
import { findCommand, normaliseArgv } from './argv.ts'
import { commands } from './commands.ts'
import { packageJson } from './package-root.ts'
import { report } from './words.ts'

/** Runs the command and answers the exit code; never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.on('error', endedReader)
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
  if (!help) return new loaded(rest).carryOut()
  const { commandHelp } = await import('./command-help.ts')
  return print(await commandHelp(id, loaded))
}

function endOfOptions(words: readonly string[]): number {
  const end = words.indexOf('--')
  return end === -1 ? words.length : end
}

/** Whoever reads what is printed may stop, as `head` does. */
function endedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
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
