/* What all remotes need of Fastify: bodies as they come, errors as the tool understands them. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { KaosError } from '../../api/errors.ts'
import { kaosErrorFrom, problemHeaders, problemOf } from '../plugins/errors.ts'

/** Tools name the type of a file, or none, or that of a form: the bytes are the bytes. */
export function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

type Headers = Readonly<Record<string, string>>
type Form = (
  error: KaosError,
  request: FastifyRequest,
) => { status: number; headers: Headers; body: object }

/** Problem details, as the API tells errors. */
const problem: Form = (error, request) => {
  const { status } = error
  return { status, headers: problemHeaders(error), body: problemOf(error, request.id) }
}

/** `challenge`: headers of a refusal for want of a token. `form`: problem details unless given. */
export function tellRemoteErrors(
  app: FastifyInstance,
  challenge: Headers,
  form: Form = problem,
): void {
  app.setErrorHandler<FastifyError>(async (cause, request, reply): Promise<FastifyReply> => {
    const error = kaosErrorFrom(cause)
    await app.denied(error, request)
    if (error.status >= 500) request.log.error({ err: cause }, error.message)
    const { status, headers, body } = form(error, request)
    reply.headers({ ...headers, ...(status === 401 && challenge) })
    return reply.code(status).serializer(JSON.stringify).send(body)
  })
}
