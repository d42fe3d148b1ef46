/* Which headers pass between a caller and a service. Those of one connection stay there, and what
 * proves the caller to us is not the service's business. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

const OF_ONE_CONNECTION = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
const OURS = ['authorization', 'cookie', 'x-request-id', 'forwarded', 'expect']

/** What the service is sent. */
export function inwardHeaders(
  headers: IncomingHttpHeaders,
  added: Record<string, string>,
): OutgoingHttpHeaders {
  const kept = without(headers, OURS)
  // A body of unknown length has to stay framed, whatever the method: else its bytes would be read
  // as the next request.
  const chunked = headers['transfer-encoding'] !== undefined && { 'transfer-encoding': 'chunked' }
  return { ...kept, ...chunked, ...added }
}

/** What the caller is answered: in a browser a service's page is kept apart from the API. */
export function outwardHeaders(
  headers: IncomingHttpHeaders,
  added: Record<string, string>,
): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = without(headers, ['set-cookie', 'kaos-api'])
  const policy = [kept['content-security-policy'], 'sandbox allow-scripts allow-forms']
  // Joined by a comma, policies hold together.
  return { ...kept, ...added, 'content-security-policy': policy.filter(Boolean).join(', ') }
}

function without(headers: IncomingHttpHeaders, more: readonly string[]): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map(name => name.trim().toLowerCase())
  const gone = new Set([...OF_ONE_CONNECTION, ...named, ...more])
  // Whatever a caller says: without it a body would be read as the next request.
  gone.delete('content-length')
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !gone.has(name)))
}
