/* The address under which the caller reaches this server, for answers that must name it whole. */
import type { FastifyRequest } from 'fastify'
import type { Settings } from '../parts.ts'

/** Without a slash at the end. */
export function serverUrl(
  { publicUrl, tls, behindProxy }: Settings,
  { headers }: Pick<FastifyRequest, 'headers'>,
): string {
  if (publicUrl !== undefined) return publicUrl
  const told = behindProxy ? firstOf(headers['x-forwarded-proto']) : undefined
  const scheme = told === 'http' || told === 'https' ? told : tls || behindProxy ? 'https' : 'http'
  const host = (behindProxy && firstOf(headers['x-forwarded-host'])) || headers.host
  return `${scheme}://${host ?? 'localhost'}`
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return String(header ?? '')
    .split(',')[0]
    ?.trim()
}
