/* The address of a server, as people type it, brought into one form. */
import { KaosError } from '../api/errors.ts'

/** `host:8080`, `http://host/`, and the original's `http://host/api/` all name the same place. */
export function parseEndpoint(text: string): string {
  const typed = text.trim()
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw wrong(`"${typed}" is no endpoint; give one like http://127.0.0.1:8080`)
  }
  if (url.username !== '' || url.password !== '') {
    throw wrong('an endpoint holds no user and no password; give the token with -t')
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/api(\/v1)?$/, '')
  return `${url.origin}${path}`
}

/** Whether only this machine can listen in. */
export function isLoopback(endpoint: string): boolean {
  const host = new URL(endpoint).hostname
  return host === 'localhost' || host === '[::1]' || /^127\./.test(host)
}

/** Whether a token sent there could be read on the way. */
export function isOpenToListeners(endpoint: string): boolean {
  return new URL(endpoint).protocol === 'http:' && !isLoopback(endpoint)
}

function wrong(message: string): KaosError {
  return new KaosError('USAGE', message)
}
