/* Help of kaos and of its groups, without loading a single command. */
import { commands, groups } from './commands.ts'
import { painted } from './look.ts'

const BANNER = `
 ██╗  ██╗  █████╗   ██████╗  ███████╗
 ██║ ██╔╝ ██╔══██╗ ██╔═══██╗ ██╔════╝
 █████╔╝  ███████║ ██║   ██║ ███████╗
 ██╔═██╗  ██╔══██║ ██║   ██║ ╚════██║
 ██║  ██╗ ██║  ██║ ╚██████╔╝ ███████║
 ╚═╝  ╚═╝ ╚═╝  ╚═╝  ╚═════╝  ╚══════╝`.slice(1)

type Row = readonly [name: string, summary: string]

const OPTIONS: Row[] = [
  ['--help', 'show this, or the help of a command: kaos train deploy --help'],
  ['--version', 'show the version'],
]

export function rootHelp(): string {
  const first = [...new Set(Object.keys(commands).map(id => id.split(':')[0]!))]
  return [
    BANNER,
    '\n Train, serve and trace machine learning, on your own machines.\n',
    'Usage: kaos COMMAND [OPTIONS]\n',
    section('Options', OPTIONS),
    section('Commands', first.map(summed)),
    'Start with kaos up, and in another terminal kaos init -e http://127.0.0.1:8080',
  ].join('\n')
}

export function groupHelp(words: readonly string[]): string {
  const group = words.join(':')
  const ids = Object.keys(commands).filter(id => id.startsWith(`${group}:`))
  const names = ids.map(id => id.slice(group.length + 1))
  const shown = names.map((name, at): Row => [name.replaceAll(':', ' '), summed(ids[at]!)[1]])
  const usage = `Usage: kaos ${words.join(' ')} COMMAND [OPTIONS]\n`
  const example = `kaos ${words.join(' ')} ${shown[0]?.[0]} --help`
  return [
    `${groups[group]}\n`,
    usage,
    section('Commands', shown),
    `Options and examples of a command: ${example}`,
  ].join('\n')
}

function summed(id: string): Row {
  return [id, groups[id] ?? commands[id]?.summary ?? '']
}

function section(title: string, rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}\n`)
  return `${painted(`${title}:`, process.stdout, 'bold')}\n${lines.join('')}`
}
