/* The line to one Kubernetes API server. A refusal of the server carries its status; whatever else a
 * call throws means that the server was not reached. Streams (logs, watches) are read by a plain
 * request, so that a cut line is an error and not a quiet end. */
import { request as plain } from 'node:http'
import { type RequestOptions, request as secure } from 'node:https'
import type { Readable } from 'node:stream'
import {
  AppsV1Api,
  BatchV1Api,
  CoreV1Api,
  KubeConfig,
  NetworkingV1Api,
} from '@kubernetes/client-node'
import { KaosError } from '../../api/errors.ts'

const ALIVE_MS = 15_000
const REFUSAL_MAX = 64 * 1024
const DOCS = 'docs/kubernetes.md has the rights'

export interface Cluster {
  readonly config: KubeConfig
  readonly core: CoreV1Api
  readonly batch: BatchV1Api
  readonly apps: AppsV1Api
  readonly networking: NetworkingV1Api
  /** The API server's address, for people. */
  readonly at: string
  /** Namespace of the kubeconfig's context, or of the pod that this runs in. */
  readonly namespace: string | undefined
  /** Whether this is a pod of the cluster. */
  readonly inside: boolean
  /** Aborted by `hangUp`: whoever waits for the cluster stops waiting. */
  readonly closed: AbortSignal
  /** GET of a path; the body once the server has said yes. */
  read(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Readable>
  hangUp(): void
}

/** Without a file: KUBECONFIG, ~/.kube/config, or the service account of the pod. */
export function connect(file?: string, context?: string): Cluster {
  const config = configOf(file, context)
  const found = config.getCurrentCluster()
  if (!found) {
    const message = 'no Kubernetes cluster is known; name a kubeconfig file in KUBECONFIG'
    throw new KaosError('CONFIGURATION', message)
  }
  const ended = new AbortController()
  const at = found.server.replace(/\/+$/, '')
  return {
    config,
    core: config.makeApiClient(CoreV1Api),
    batch: config.makeApiClient(BatchV1Api),
    apps: config.makeApiClient(AppsV1Api),
    networking: config.makeApiClient(NetworkingV1Api),
    at,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    inside: config.getCurrentContext() === 'inClusterContext',
    closed: ended.signal,
    read: (path, query, signal) =>
      readFrom(config, `${at}${path}?${new URLSearchParams(query)}`, signal),
    hangUp: () => ended.abort(),
  }
}

function configOf(file: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig()
  try {
    if (file === undefined) config.loadFromDefault()
    else config.loadFromFile(file)
  } catch (cause) {
    const message = `the kubeconfig ${file ?? ''} cannot be read: ${(cause as Error).message}`
    throw new KaosError('CONFIGURATION', message, { cause })
  }
  if (context === undefined) return config
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(one => one.name)
    const message = `the kubeconfig has no context ${context}; it has ${known.join(', ')}`
    throw new KaosError('CONFIGURATION', message)
  }
  config.setCurrentContext(context)
  return config
}

async function readFrom(config: KubeConfig, url: string, signal: AbortSignal): Promise<Readable> {
  const options: RequestOptions = { headers: {}, signal }
  await config.applyToHTTPSOptions(options)
  const isPlain = url.startsWith('http:')
  // The library's agent is for TLS alone.
  if (isPlain) delete options.agent
  return new Promise((resolve, reject) => {
    const call = (isPlain ? plain : secure)(url, options, answer => {
      if (answer.statusCode === 200) return resolve(answer)
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', piece => {
        if (text.length < REFUSAL_MAX) text += piece
      })
      answer.once('error', reject)
      answer.once('end', () => reject(Object.assign(new Error(text), { code: answer.statusCode })))
    })
    call.once('socket', socket => socket.setKeepAlive(true, ALIVE_MS))
    call.once('error', reject)
    call.end()
  })
}

/** The status of the server's refusal; undefined when it was not reached. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'number' ? code : undefined
}

export function isGone(error: unknown): boolean {
  return statusOf(error) === 404
}

export function isTaken(error: unknown): boolean {
  return statusOf(error) === 409
}

/** The server's own words. */
export function wordsOf(error: unknown): string {
  const { body, message } = error as { body?: unknown; message?: string }
  const text = typeof body === 'string' ? body : (message ?? String(error))
  const said = (typeof body === 'object' && body !== null ? body : parsed(text)) as {
    message?: unknown
  }
  return typeof said?.message === 'string' ? said.message : text.split('\n')[0]!.slice(0, 500)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Runs one call. A server that is not reached, does not let us or is unwell is RUNNER_UNAVAILABLE; what
 * it says of the request itself (400, 404, 409, 422) is the caller's. */
export async function reaching<T>({ at }: Cluster, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof KaosError) throw error
    const status = statusOf(error)
    const words = wordsOf(error)
    if (status === undefined) {
      const message = `no Kubernetes API server answers at ${at} (${words}); see KUBECONFIG`
      throw new KaosError('RUNNER_UNAVAILABLE', message, { cause: error })
    }
    if (status !== 401 && status !== 403 && status < 429) throw error
    const next = status < 429 ? `; ${DOCS} that the worker needs` : ''
    const message = `the Kubernetes API server refuses: ${words}${next}`
    throw new KaosError('RUNNER_UNAVAILABLE', message, { cause: error })
  }
}

/** Like `reaching`, for taking away: what is gone already is no error. */
export async function removing(cluster: Cluster, call: () => Promise<unknown>) {
  try {
    await reaching(cluster, call)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Resolves after `ms`, or at once when told. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
