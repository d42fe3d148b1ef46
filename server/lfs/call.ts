/** A call of git-lfs, and what answers it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Remote } from '../remotes/objects.ts'
import { LFS_TYPE } from './errors.ts'
import type { Endpoint, Location } from './paths.ts'

export interface Call {
  readonly remote: Remote
  readonly location: Location
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** By end point; `part`: the oid or id in its address. */
export type Answers = Partial<
  Record<Endpoint['kind'], (call: Call, part: string) => Promise<FastifyReply>>
>

export function told(reply: FastifyReply, status: number, body: object): FastifyReply {
  return reply.code(status).type(LFS_TYPE).serializer(JSON.stringify).send(body)
}
