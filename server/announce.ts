/** What the terminal and GET /server say about this server. */
import { join } from 'node:path'
import { isLoopbackHost } from './config.ts'
import type { Settings } from './parts.ts'
import { versionOf } from './system/version.ts'

/** What each part runs on. */
export function partsOf({ runner }: Settings): Record<string, string> {
  return { ledger: 'SQLite file', store: 'folder', queue: 'in process', runner }
}

export function notesOf({ runner, local }: Settings): string[] {
  if (runner !== 'process') return []
  const who = local ? 'run only code that you trust' : 'its users must trust each other'
  return [`the process runner has no isolation: ${who}`]
}

/** Address that users type. */
export function urlOf({ host, tls, publicUrl }: Settings, port: number): string {
  if (publicUrl !== undefined) return publicUrl
  const name = host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}`
}

/** Address under which this host's own worker finds the server; undefined when loopback does not
 * reach it, or reaches it by TLS, whose certificate is for another name. */
export function workerUrlOf({ host, tls }: Settings, port: number): string | undefined {
  if (tls) return undefined
  if (host === '0.0.0.0') return `http://127.0.0.1:${port}`
  if (host === '::') return `http://[::1]:${port}`
  if (!isLoopbackHost(host)) return undefined
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

export function announcement(settings: Settings, port: number): string {
  const parts: Record<string, string> = {
    ...partsOf(settings),
    ledger: `SQLite file ${join(settings.data, 'ledger.sqlite')}`,
    store: `folder ${join(settings.data, 'store')}`,
  }
  const url = urlOf(settings, port)
  return [
    `kaos ${versionOf()}`,
    ...Object.entries(parts).map(([name, what]) => `  ${`${name}:`.padEnd(8)}${what}`),
    ...notesOf(settings).map(note => `  note:   ${note}`),
    `kaos is ready at ${url}`,
    `Connect with: kaos init -e ${url}${settings.local ? '' : ' -t TOKEN'}`,
  ].join('\n')
}
