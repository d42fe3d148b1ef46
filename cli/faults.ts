/* What can go wrong between the CLI and a server, said so that a person knows what to do. */
import { CODES, type Code, KaosError } from '../api/errors.ts'
import type { Answer } from './http.ts'

/** The server did not answer, or the answer broke off. */
export interface Fault {
  readonly error: KaosError
  /** Whether the same call may work in a moment. `refused`: only if it worked before. */
  readonly passing: 'yes' | 'refused' | 'no'
}

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/
const LASTING = /ENOTFOUND|EACCES|ERR_INVALID_URL/

export function faultOf(thrown: unknown, endpoint: string): Fault {
  const { code, message } = deepest(thrown)
  const error = (text: string, silent: boolean) => {
    const detail = { endpoint, silent, cause: code ?? message }
    return new KaosError('UNREACHABLE', text, { detail, cause: thrown })
  }
  if (code !== undefined && CERTIFICATE.test(code)) {
    const how = 'give the certificate of your authority with --ca FILE or KAOS_CA'
    return {
      error: error(`the certificate of ${endpoint} is not trusted (${code}); ${how}`, false),
      passing: 'no',
    }
  }
  if (/^HPE_|^ERR_SSL_|EPROTO/.test(code ?? '')) return { error: notKaos(endpoint), passing: 'no' }
  const next = 'start it with kaos up, or connect elsewhere with kaos init -e <endpoint>'
  const why = code === 'ECONNREFUSED' ? '' : ` (${code ?? message})`
  const lost = error(`cannot reach ${endpoint}${why}: ${next}`, true)
  if (code === 'ECONNREFUSED') return { error: lost, passing: 'refused' }
  const passing = LASTING.test(code ?? '') || /bad port/.test(message) ? 'no' : 'yes'
  return { error: lost, passing }
}

export function notKaos(endpoint: string): KaosError {
  const text = `${endpoint} answers, but not as kaos does; connect with kaos init -e <endpoint>`
  return new KaosError('UNREACHABLE', text, { detail: { endpoint } })
}

/** The error that an answer stands for: its problem document, or "not kaos". */
export async function errorOf(answer: Answer, endpoint: string): Promise<KaosError> {
  const { status } = answer
  if (status >= 300 && status < 400) {
    answer.discard()
    const target = answer.header('location') ?? 'another address'
    const text = `${endpoint} sends its callers on to ${target}; connect there with kaos init -e`
    return new KaosError('UNREACHABLE', text, { detail: { endpoint } })
  }
  const problem = await jsonOf(answer)
  if (typeof problem?.code !== 'string') {
    if (![408, 429, 502, 503, 504].includes(status)) return notKaos(endpoint)
    return new KaosError(
      'UNAVAILABLE',
      `${endpoint} is not ready (HTTP ${status}); try again later`,
    )
  }
  const code = knownCode(problem.code, status)
  const data = typeof problem.data === 'object' && problem.data !== null ? problem.data : {}
  const said = [problem.message, problem.detail].find(
    text => typeof text === 'string' && text !== '',
  )
  const message = String(said ?? CODES[code].title)
  return new KaosError(code, message, { detail: { ...data } })
}

/** The same; of what is the server's the request id is told, under which its log has more. */
export function traced(error: KaosError, answer: Answer): KaosError {
  const id = answer.header('x-request-id')
  if (answer.status < 500 || id === undefined || error.code === 'UNREACHABLE') return error
  const message = `${error.message} (request ${id} in the log of the server)`
  return new KaosError(error.code, message, { detail: error.detail })
}

async function jsonOf(answer: Answer): Promise<Record<string, unknown> | undefined> {
  if (!isJson(answer)) {
    answer.discard()
    return undefined
  }
  try {
    return JSON.parse((await answer.bytes()).toString('utf8')) as Record<string, unknown>
  } catch {
    return undefined
  }
}

export function isJson(answer: Answer): boolean {
  return /^application\/([\w.]+\+)?json\b/.test(answer.header('content-type') ?? '')
}

function knownCode(code: string, status: number): Code {
  if (code in CODES) return code as Code
  if (status === 401) return 'AUTHORIZATION_FAILURE'
  if (status === 403) return 'NOT_PERMITTED'
  if (status === 404) return 'NOT_FOUND'
  return status >= 500 ? 'INTERNAL' : 'BAD_REQUEST'
}

function deepest(thrown: unknown): { code: string | undefined; message: string } {
  let at: unknown = thrown
  while (at instanceof Error) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at.cause
    if (!(inner instanceof Error)) break
    at = inner
  }
  const code =
    at instanceof Error && 'code' in at && typeof at.code === 'string' ? at.code : undefined
  return { code, message: at instanceof Error ? at.message : String(at) }
}
