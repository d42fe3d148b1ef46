/** What the terminal and GET /server say about this server. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { versionOf } from '../api/version.ts'
import { isLoopbackHost } from './config.ts'
import type { Settings } from './parts.ts'

/** What each part runs on. */
export function partsOf({ runner, neo4j, s3, redis }: Settings): Record<string, string> {
  const ledger = neo4j ? 'Neo4j' : 'SQLite file'
  return {
    ledger,
    store: s3 ? 'S3' : 'folder',
    queue: redis ? 'Bull on Redis' : 'in process',
    runner,
  }
}

export function notesOf({ runner, local, worker }: Settings): string[] {
  const who = local ? 'run only code that you trust' : 'its users must trust each other'
  return [
    ...(worker ? [] : ['no jobs run here: they wait for workers on other hosts (kaos worker)']),
    ...(runner === 'process' ? [`the process runner has no isolation: ${who}`] : []),
  ]
}

/** Address that users type. */
export function urlOf({ host, tls, publicUrl }: Settings, port: number): string {
  if (publicUrl !== undefined) return publicUrl
  const anywhere = host === '0.0.0.0' || host === '::'
  const name = anywhere ? hostname() : host.includes(':') ? `[${host}]` : host
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

/** What outlives the server, and what to do about it; undefined when nothing does. */
export function farewell(running: { trainings: number; services: number }): string | undefined {
  const { trainings, services } = running
  const parts = [
    ...(trainings > 0 ? [`${trainings} ${trainings === 1 ? 'training' : 'trainings'}`] : []),
    ...(services > 0 ? [`${services} ${services === 1 ? 'endpoint' : 'endpoints'}`] : []),
  ]
  if (parts.length === 0) return undefined
  const next = 'the next kaos up finds them (kaos train kill and kaos serve kill end them)'
  return `kaos: stopped; ${parts.join(' and ')} still running, ${next}`
}

export function announcement(settings: Settings, port: number): string {
  const parts: Record<string, string> = {
    ...partsOf(settings),
    ledger: settings.neo4j
      ? `Neo4j ${settings.neo4j.url}`
      : `SQLite file ${join(settings.data, 'ledger.sqlite')}`,
    store: settings.s3
      ? `S3 bucket ${settings.s3.bucket} at ${settings.s3.endpoint}`
      : `folder ${join(settings.data, 'store')}`,
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
