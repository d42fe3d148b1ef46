/* The settings of the CLI that come from outside its own files. The only place in cli/ that reads the
 * environment; everything else is handed an Environment. */

export interface Environment {
  readonly endpoint: string | undefined
  readonly token: string | undefined
  readonly workspace: string | undefined
  /** File with certificates to trust beside the built-in ones. */
  readonly ca: string | undefined
  /** Data folder of the quickstart. */
  readonly data: string | undefined
  readonly runner: string | undefined
  readonly user: string
  readonly pager: string
  readonly colour: boolean
  /** Show the stack of an error that nobody foresaw. */
  readonly debug: boolean
}

export function environment(env: NodeJS.ProcessEnv = process.env): Environment {
  const text = (name: string) => env[name]?.trim() || undefined
  return Object.freeze({
    endpoint: text('KAOS_ENDPOINT'),
    token: text('KAOS_TOKEN'),
    workspace: text('KAOS_WORKSPACE'),
    ca: text('KAOS_CA'),
    data: text('KAOS_DATA'),
    runner: text('KAOS_RUNNER'),
    user: text('USER') ?? 'kaos',
    pager: text('PAGER') ?? 'less -FRX',
    colour: env.NO_COLOR === undefined || env.NO_COLOR === '',
    debug: text('KAOS_DEBUG') !== undefined,
  })
}

/** What `kaos up` reads, as docs/settings.md has it; the server itself checks the values. */
const UP = {
  host: ['127.0.0.1', 'KAOS_HOST'],
  port: ['8080', 'KAOS_PORT'],
  data: ['~/.local/share/kaos', 'KAOS_DATA'],
  runner: ['docker where it answers, else process', 'KAOS_RUNNER'],
  docker_socket: ['/var/run/docker.sock', 'KAOS_DOCKER_SOCKET', 'DOCKER_HOST'],
  base_image: ['', 'KAOS_BASE_IMAGE'],
  slots: ['2', 'KAOS_SLOTS'],
  ingest_allow: ['', 'KAOS_INGEST_ALLOW'],
  ready_timeout: ['120', 'KAOS_READY_TIMEOUT'],
  tls_cert: ['', 'KAOS_TLS_CERT'],
  tls_key: ['', 'KAOS_TLS_KEY'],
  behind_proxy: ['', 'KAOS_BEHIND_PROXY'],
  public_url: ['', 'KAOS_PUBLIC_URL'],
  allow_process_runner: ['', 'KAOS_ALLOW_PROCESS_RUNNER'],
  reserve_percent: ['5', 'KAOS_RESERVE_PERCENT'],
  python: ['python3', 'KAOS_PYTHON'],
} as const

/** What a `kaos up` without options would take from here. */
export function upSettings(
  env: NodeJS.ProcessEnv = process.env,
): { name: string; value: string; from: string }[] {
  return Object.entries(UP).map(([name, [usual, ...variables]]) => {
    const from = variables.find(variable => (env[variable] ?? '') !== '')
    return { name, value: (from && env[from]) ?? usual, from: from ?? `default (${variables[0]})` }
  })
}

/** What a child process gets: ours, with these set (or, when undefined, left out). */
export function childEnvironment(set: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const all: NodeJS.ProcessEnv = { ...process.env, ...set }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
