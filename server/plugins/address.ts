/** Where a call comes from. Behind a proxy that was declared it is the address that this proxy wrote
 * last; what came before that anybody could have written. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Settings } from '../parts.ts'

interface Call {
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
}

export function addressOf({ socket, headers }: Call, { behindProxy }: Settings): string {
  const told = behindProxy ? headers['x-forwarded-for'] : undefined
  const last = [told ?? []].flat().at(-1)?.split(',').at(-1)?.trim()
  return (last || socket.remoteAddress) ?? ''
}
