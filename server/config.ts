/* Settings: a flag wins over a variable, a variable over the default. Read once, checked, frozen;
 * the only file of the server that reads process.env. docs/settings.md has the same table. */
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { KaosError } from '../api/errors.ts'
import { isAllowance } from '../runners/worker/ingest/guard.ts'
import type { Settings } from './parts.ts'
import { engineAnswers, socketOf } from './system/engine.ts'
import { NEO4J_SOURCES, neo4jOf } from './system/neo4j-settings.ts'
import { OPERATION_SOURCES, operationOf } from './system/operation-settings.ts'
import { fileAt, oneOf, textAt, whole } from './system/readers.ts'
import { REDIS_SOURCES, redisOf } from './system/redis-settings.ts'
import { S3_SOURCES, s3Of } from './system/s3-settings.ts'
import { enrolOf, WORKER_SOURCES } from './worker/settings.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where one setting comes from, and what it may be. `read` answers undefined for a bad value. */
interface Source<T> {
  readonly flag?: string
  readonly variable: string
  readonly allowed: string
  read(text: string): T | undefined
}

const text = (value: string) => value
const yes = (value: string) => ({ 1: true, true: true, 0: false, false: false })[value]

const SOURCES = {
  host: {
    flag: 'host',
    variable: 'KAOS_HOST',
    allowed: 'an address or host name',
    read: (value: string) => (/^[A-Za-z0-9_.:-]+$/.test(value) ? value : undefined),
  },
  port: { flag: 'port', variable: 'KAOS_PORT', allowed: '0 to 65535', read: whole(0, 65535) },
  data: { flag: 'data', variable: 'KAOS_DATA', allowed: 'a folder', read: text },
  runner: {
    flag: 'runner',
    variable: 'KAOS_RUNNER',
    allowed: 'process, docker or kubernetes',
    read: oneOf('process', 'docker', 'kubernetes'),
  },
  dockerSocket: textAt('KAOS_DOCKER_SOCKET', 'a path'),
  dockerHost: textAt('DOCKER_HOST', 'unix:// or tcp:// and a place'),
  baseImage: textAt('KAOS_BASE_IMAGE', 'the name of an image'),
  ...WORKER_SOURCES,
  slots: { variable: 'KAOS_SLOTS', allowed: '1 to 1024', read: whole(1, 1024) },
  ingestAllow: {
    variable: 'KAOS_INGEST_ALLOW',
    allowed: 'networks, addresses and host names with commas between, such as 10.0.0.0/8',
    read: allowances,
  },
  readyTimeoutS: {
    variable: 'KAOS_READY_TIMEOUT',
    allowed: '1 to 86400 (seconds)',
    read: whole(1, 86_400),
  },
  tlsCert: { flag: 'tls-cert', variable: 'KAOS_TLS_CERT', allowed: 'a PEM file', read: file },
  tlsKey: { flag: 'tls-key', variable: 'KAOS_TLS_KEY', allowed: 'a PEM file', read: file },
  behindProxy: {
    flag: 'behind-proxy',
    variable: 'KAOS_BEHIND_PROXY',
    allowed: '1 or 0',
    read: yes,
  },
  publicUrl: {
    flag: 'public-url',
    variable: 'KAOS_PUBLIC_URL',
    allowed: 'an address such as https://kaos.example.com',
    read: baseUrl,
  },
  ...NEO4J_SOURCES,
  ...S3_SOURCES,
  ...REDIS_SOURCES,
  secretKeyFile: {
    variable: 'KAOS_SECRET_KEY_FILE',
    allowed: 'a file that can be read',
    read: file,
  },
  adminToken: fileAt('KAOS_ADMIN_TOKEN_FILE'),
  openLineageUrl: {
    variable: 'KAOS_OPENLINEAGE_URL',
    allowed: 'an address such as https://marquez.example.com',
    read: baseUrl,
  },
  openLineageKey: textAt('KAOS_OPENLINEAGE_API_KEY'),
  openLineageKeyFile: fileAt('KAOS_OPENLINEAGE_API_KEY_FILE'),
  allowProcess: { variable: 'KAOS_ALLOW_PROCESS_RUNNER', allowed: '1 or 0', read: yes },
  scrubDays: {
    variable: 'KAOS_SCRUB_DAYS',
    allowed: '0 to 365 (days in which every stored byte is read once; 0: never)',
    read: whole(0, 365),
  },
  ...OPERATION_SOURCES,
  reserve: {
    variable: 'KAOS_RESERVE_PERCENT',
    allowed: '0 to 50 (percent of the volume that writes leave free)',
    read: whole(0, 50),
  },
} as const satisfies Record<string, Source<unknown>>

/** Bytes that writes leave free, however small the volume: room for one full batch of objects. */
const RESERVE_BYTES = 64 * 1024 * 1024
const LEASE_MS = 15_000

/** CONFIGURATION, naming the flag or variable and what is allowed, for every bad value. */
export async function loadSettings(
  argv: readonly string[],
  env: Environment = process.env,
): Promise<Settings> {
  const flags = flagsIn(argv)
  const get = <K extends keyof typeof SOURCES>(key: K) =>
    givenIn(SOURCES[key], flags, env) as ReturnType<(typeof SOURCES)[K]['read']>
  const host = get('host') ?? '127.0.0.1'
  const behindProxy = get('behindProxy') ?? false
  const local = isLoopbackHost(host) && !behindProxy
  const socket = socketOf(get('dockerSocket'), get('dockerHost'))
  const runner = get('runner') ?? ((await engineAnswers(socket)) ? 'docker' : 'process')
  const reserve = get('reserve') ?? 5
  const settings: Settings = {
    host,
    port: get('port') ?? 8080,
    data: resolve(get('data') ?? defaultData(env)),
    runner,
    dockerSocket: 'path' in socket ? socket.path : undefined,
    ...(runner === 'docker' && { engine: socket }),
    baseImage: get('baseImage'),
    worker: get('noWorker') !== true,
    // What waits in a cluster for room takes a slot as well.
    slots: get('slots') ?? (runner === 'kubernetes' ? 32 : 2),
    labels: get('labels') ?? [],
    ingestAllow: get('ingestAllow') ?? [],
    readyTimeoutMs: (get('readyTimeoutS') ?? 120) * 1000,
    leaseMs: LEASE_MS,
    tls: tlsOf(get('tlsCert'), get('tlsKey')),
    behindProxy,
    local,
    publicUrl: get('publicUrl'),
    secretKeyFile: get('secretKeyFile'),
    neo4j: neo4jOf({
      url: get('neo4jUrl'),
      user: get('neo4jUser'),
      password: get('neo4jPassword') ?? get('neo4jPasswordFile'),
      database: get('neo4jDatabase'),
    }),
    s3: s3Of({
      endpoint: get('s3Endpoint'),
      bucket: get('s3Bucket'),
      accessKey: get('s3AccessKey') ?? get('s3AccessKeyFile'),
      secretKey: get('s3SecretKey') ?? get('s3SecretKeyFile'),
      region: get('s3Region'),
    }),
    redis: redisOf(get('redisUrl'), get('redisPasswordFile')),
    adminToken: get('adminToken'),
    enrol: enrolOf(get('enrolToken'), get('enrolAddress')),
    shared: get('neo4jUrl') !== undefined && get('s3Endpoint') !== undefined,
    openLineage: openLineageOf(
      get('openLineageUrl'),
      get('openLineageKey') ?? get('openLineageKeyFile'),
    ),
    scrubDays: get('scrubDays') ?? 7,
    ...operationOf(get, local),
    reserve: { share: reserve / 100, bytes: reserve === 0 ? 0 : RESERVE_BYTES },
  }
  requireSafe(settings, get('allowProcess') ?? false)
  return Object.freeze(settings)
}

/** What a child process inherits, and what is added for it. */
export function environmentWith(added: Environment): NodeJS.ProcessEnv {
  return { ...process.env, ...added }
}

/** The interpreter of the process runner, as the worker will take it. */
export function pythonOf(env: Environment = process.env): string {
  return env.KAOS_PYTHON || 'python3'
}

function givenIn(source: Source<unknown>, flags: Environment, env: Environment): unknown {
  const { flag, variable, allowed, read } = source
  const given = flag === undefined ? undefined : flags[flag]
  const value = given ?? env[variable]
  if (value === undefined || value === '') return undefined
  const known = read(value)
  if (known !== undefined) return known
  const name = given === undefined ? variable : `--${flag}`
  throw refusal(`${name} is ${JSON.stringify(value)}; allowed: ${allowed}`)
}

const SWITCHES: ReadonlySet<string> = new Set(['behind-proxy', 'no-worker'])

function flagsIn(argv: readonly string[]): Environment {
  const names = Object.values(SOURCES).flatMap(one => ('flag' in one ? [one.flag] : []))
  const options = Object.fromEntries(
    names.map(name => [name, { type: SWITCHES.has(name) ? 'boolean' : 'string' } as const]),
  )
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true })
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]))
  } catch (cause) {
    const known = names.map(name => `--${name}`).join(' ')
    const why = (cause as Error).message.split('. ')[0]
    throw new KaosError('CONFIGURATION', `${why}; the flags are ${known}`, { cause })
  }
}

/** Nobody but this machine's own user without TLS; no programs without isolation for several. */
function requireSafe(settings: Settings, allowed: boolean): void {
  const { local, tls, behindProxy, runner, host, publicUrl } = settings
  if (local) {
    const name = publicUrl === undefined ? undefined : new URL(publicUrl).hostname
    if (name === undefined || isLoopbackHost(name.replace(/^\[(.*)\]$/, '$1'))) return
    // Whatever leads from there to here comes from this machine, and would be its administrator.
    const next = 'give --behind-proxy, so that everybody needs a token'
    throw refusal(`others reach this server at ${publicUrl}: ${next}. ${FIRST_STEPS}`)
  }
  if (!tls && !behindProxy) {
    const next = 'give --tls-cert and --tls-key, or --behind-proxy if a proxy in front speaks TLS'
    throw refusal(`the host ${host} is not loopback: ${next}. ${FIRST_STEPS}`)
  }
  if (settings.secretKeyFile === undefined) {
    const own = join(settings.data, 'secret.key')
    const next = `make one: openssl rand -hex 32 > FILE (a server that ran on loopback has one: ${own})`
    throw refusal(`a server for others needs its secret key in KAOS_SECRET_KEY_FILE; ${next}`)
  }
  if (runner === 'process' && !allowed) {
    const why = 'the process runner has no isolation, so every user could read what all others keep'
    const next = 'use --runner docker, or set KAOS_ALLOW_PROCESS_RUNNER=1 if you trust them all'
    throw refusal(`${why}; ${next}`)
  }
}

/** How somebody gets in, on a server that asks everybody for a token. */
export const FIRST_STEPS =
  'A server for others also needs an administrator with a token. Give one by KAOS_ADMIN_TOKEN_FILE, or ' +
  'make one on loopback first:\n' +
  '  kaos up                       (with the same --data)\n' +
  '  kaos init -e http://127.0.0.1:8080\n' +
  '  kaos admin user add NAME --role administrator\n' +
  '  kaos admin token create --user NAME'

function tlsOf(cert: string | undefined, key: string | undefined): Settings['tls'] {
  if (cert !== undefined && key !== undefined) return { cert, key }
  if (cert === undefined && key === undefined) return undefined
  throw refusal('--tls-cert and --tls-key (KAOS_TLS_CERT, KAOS_TLS_KEY) go together; give both')
}

function openLineageOf(url: string | undefined, apiKey: string | undefined) {
  if (url !== undefined) return { url, apiKey }
  if (apiKey === undefined) return undefined
  throw refusal('KAOS_OPENLINEAGE_API_KEY is of no use without KAOS_OPENLINEAGE_URL')
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function defaultData({ XDG_DATA_HOME }: Environment): string {
  return join(XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'kaos')
}

function file(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK)
    return resolve(path)
  } catch {
    return undefined
  }
}

function allowances(value: string): string[] | undefined {
  const parts = value.split(',').map(part => part.trim())
  return parts.every(isAllowance) ? parts : undefined
}

function baseUrl(value: string): string | undefined {
  const url = URL.parse(value)
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) return undefined
  return value.replace(/\/+$/, '')
}

function refusal(message: string): KaosError {
  return new KaosError('CONFIGURATION', message)
}
