/* The settings of the CLI that come from outside its own files. The only place in cli/ that reads the
 * environment; everything else is handed an Environment. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Environment {
  readonly endpoint: string | undefined
  /** Of `kaos worker`. */
  readonly server: string | undefined
  readonly token: string | undefined
  readonly workspace: string | undefined
  /** File with certificates to trust beside the built-in ones. */
  readonly ca: string | undefined
  /** Data folder of the quickstart. */
  readonly data: string | undefined
  readonly runner: string | undefined
  /** Where the CLI keeps what it has seen. */
  readonly stateHome: string
  /** Where it keeps what can be made anew. */
  readonly cacheHome: string
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
    server: text('KAOS_SERVER'),
    token: text('KAOS_TOKEN'),
    workspace: text('KAOS_WORKSPACE'),
    ca: text('KAOS_CA'),
    data: text('KAOS_DATA'),
    runner: text('KAOS_RUNNER'),
    stateHome: text('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state'),
    cacheHome: text('XDG_CACHE_HOME') ?? join(homedir(), '.cache'),
    user: text('USER') ?? 'kaos',
    pager: text('PAGER') ?? 'less -FRX',
    colour: env.NO_COLOR === undefined || env.NO_COLOR === '',
    debug: text('KAOS_DEBUG') !== undefined,
  })
}

/** Where a program of ours keeps what it has, if nobody says. */
export function defaultData(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return (
    env.KAOS_DATA?.trim() || join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), name)
  )
}

/** What `kaos up` reads, as docs/settings.md has it; the server itself checks the values. */
const UP = {
  host: ['127.0.0.1', 'KAOS_HOST'],
  port: ['8080', 'KAOS_PORT'],
  data: ['~/.local/share/kaos', 'KAOS_DATA'],
  runner: ['docker where it answers, else process', 'KAOS_RUNNER'],
  docker_socket: ['/var/run/docker.sock', 'KAOS_DOCKER_SOCKET', 'DOCKER_HOST'],
  docker_network: ['', 'KAOS_DOCKER_NETWORK'],
  kube_context: ['the current one', 'KAOS_KUBE_CONTEXT'],
  kube_namespace: ["the context's, else default", 'KAOS_KUBE_NAMESPACE'],
  kube_registry: ['the public URL, else this server', 'KAOS_KUBE_REGISTRY'],
  kube_pull_secret: ["the attempt's token", 'KAOS_KUBE_PULL_SECRET'],
  kube_volume: ['host', 'KAOS_KUBE_VOLUME'],
  kube_node: ['', 'KAOS_KUBE_NODE'],
  kube_reach: ['service in the cluster, else pod', 'KAOS_KUBE_REACH'],
  kube_node_selector: ['', 'KAOS_KUBE_NODE_SELECTOR'],
  kube_tolerations: ['', 'KAOS_KUBE_TOLERATIONS'],
  kube_runtime_class: ['', 'KAOS_KUBE_RUNTIME_CLASS'],
  kube_gpu_resource: ['nvidia.com/gpu', 'KAOS_KUBE_GPU_RESOURCE'],
  base_image: ['', 'KAOS_BASE_IMAGE'],
  no_worker: ['', 'KAOS_NO_WORKER'],
  slots: ['2; 32 with kubernetes', 'KAOS_SLOTS'],
  labels: ['', 'KAOS_LABELS'],
  gpus: ['all', 'KAOS_GPUS'],
  cache_gb: ['a fifth of the volume', 'KAOS_CACHE_GB'],
  ingest_allow: ['', 'KAOS_INGEST_ALLOW'],
  ready_timeout: ['120', 'KAOS_READY_TIMEOUT'],
  tls_cert: ['', 'KAOS_TLS_CERT'],
  tls_key: ['', 'KAOS_TLS_KEY'],
  behind_proxy: ['', 'KAOS_BEHIND_PROXY'],
  public_url: ['', 'KAOS_PUBLIC_URL'],
  allow_process_runner: ['', 'KAOS_ALLOW_PROCESS_RUNNER'],
  reserve_percent: ['5', 'KAOS_RESERVE_PERCENT'],
  neo4j_url: ['', 'KAOS_NEO4J_URL'],
  neo4j_user: ['neo4j', 'KAOS_NEO4J_USER'],
  neo4j_password_file: ['', 'KAOS_NEO4J_PASSWORD_FILE'],
  neo4j_database: ['', 'KAOS_NEO4J_DATABASE'],
  scrub_days: ['7', 'KAOS_SCRUB_DAYS'],
  s3_endpoint: ['', 'KAOS_S3_ENDPOINT'],
  s3_bucket: ['', 'KAOS_S3_BUCKET'],
  s3_access_key_file: ['', 'KAOS_S3_ACCESS_KEY_FILE'],
  s3_secret_key_file: ['', 'KAOS_S3_SECRET_KEY_FILE'],
  s3_region: ['us-east-1', 'KAOS_S3_REGION'],
  redis_url: ['', 'KAOS_REDIS_URL'],
  redis_password_file: ['', 'KAOS_REDIS_PASSWORD_FILE'],
  openlineage_url: ['', 'KAOS_OPENLINEAGE_URL'],
  openlineage_api_key_file: ['', 'KAOS_OPENLINEAGE_API_KEY_FILE'],
  secret_key_file: ['secret.key in the data folder', 'KAOS_SECRET_KEY_FILE'],
  log_level: ['info', 'KAOS_LOG_LEVEL'],
  log_to: ['file', 'KAOS_LOG_TO'],
  rate_limit: ['200; off on loopback', 'KAOS_RATE_LIMIT'],
  uploads_max: ['256', 'KAOS_UPLOADS_MAX'],
  memory_max_mb: ['768', 'KAOS_MEMORY_MAX_MB'],
  lag_max_ms: ['3000', 'KAOS_LAG_MAX_MS'],
  admin_token_file: ['', 'KAOS_ADMIN_TOKEN_FILE'],
  worker_listen: ['', 'KAOS_WORKER_LISTEN'],
  worker_address: ['', 'KAOS_WORKER_ADDRESS'],
  worker_tls_cert: ['', 'KAOS_WORKER_TLS_CERT'],
  worker_tls_key: ['', 'KAOS_WORKER_TLS_KEY'],
  worker_plain: ['', 'KAOS_WORKER_PLAIN'],
  enrol_token_file: ['', 'KAOS_ENROL_TOKEN_FILE'],
  enrol_address: ['', 'KAOS_ENROL_ADDRESS'],
  python: ['python3', 'KAOS_PYTHON'],
} as const

/** What a `kaos up` without options would take from here. */
export function upSettings(
  env: NodeJS.ProcessEnv = process.env,
): { name: string; value: string; from: string }[] {
  return Object.entries(UP).map(([name, [usual, ...variables]]) => {
    const from = variables.find(variable => (env[variable] ?? '') !== '')
    const value = withoutPassword((from && env[from]) ?? usual)
    return { name, value, from: from ?? `default (${variables[0]})` }
  })
}

/** An address may hold a password: `redis://:secret@host`. */
function withoutPassword(value: string): string {
  return value.replace(/^([a-z+]+:\/\/[^:@/]*):[^@/]*@/, '$1:***@')
}

/** Where Node keeps compiled modules: not in the folder for all users that it would take by itself. */
export function compileCache({ cacheHome }: Environment): string {
  return join(cacheHome, 'kaos', 'node')
}

/** What a child process gets: ours, with these set (or, when undefined, left out). */
export function childEnvironment(set: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  // Compiled once for all our programs, which then start in half the time.
  const compiled = { NODE_COMPILE_CACHE: compileCache(environment()) }
  const all: NodeJS.ProcessEnv = { ...compiled, ...process.env, ...set }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
