import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { KeySet } from '../../api/signing-keys-schema.ts'
import {
  CheckpointView,
  ConsistencyView,
  ErasableView,
  ErasedView,
  EraseRequest,
  InclusionView,
  KeyView,
  Problem,
  StatementView,
} from '../../api/wire.ts'
import type { Ledger } from '../../graph/ledger.ts'
import type { People } from '../parts.ts'
import { erasableStatement, erasedStatements, eraseStatement } from './erase.ts'
import type { Keys, PublicKey } from './keys.ts'
import type { LedgerProofs } from './proofs.ts'

interface Options {
  readonly ledger: Ledger
  readonly proofs: LedgerProofs
  readonly keys: Keys
  readonly people: Pick<People, 'nameOf'>
}

const tags = ['ledger']
const Count = Type.Integer({ minimum: 0 })
const STATEMENTS_MAX = 1000

/** Below /api/v1. */
export const proofRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { ledger, proofs, keys } = options

  app.get(
    '/ledger/checkpoint',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Size and root of the log as it stands, signed',
        response: { 200: CheckpointView },
      },
    },
    () => proofs.checkpoint(),
  )

  app.get(
    '/ledger/inclusion',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Proof that a statement is in the log',
        querystring: Type.Object({ seq: Count, size: Type.Optional(Count) }),
        response: { 200: InclusionView, '4xx': Problem },
      },
    },
    ({ query }) => proofs.inclusion(query.seq, query.size),
  )

  app.get(
    '/ledger/consistency',
    {
      config: { scope: 'read' },
      schema: {
        tags,
        summary: 'Proof that an earlier log is a beginning of a later one',
        querystring: Type.Object({ first: Count, second: Type.Optional(Count) }),
        response: { 200: ConsistencyView, '4xx': Problem },
      },
    },
    ({ query }) => proofs.consistency(query.first, query.second),
  )

  app.get(
    '/ledger/statements',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'The log itself: leaves, salts and payloads, by number',
        querystring: Type.Object({
          from: Type.Optional(Count),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: STATEMENTS_MAX })),
        }),
        response: { 200: Type.Object({ statements: Type.Array(StatementView) }), '4xx': Problem },
      },
    },
    async ({ query }) => ({ statements: await ledger.log(query.from ?? 0, query.limit ?? 100) }),
  )

  app.post(
    '/ledger/verify',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Rehash the whole log and compare leaves, root and graph; says what differs',
        response: { 200: Type.Object({ findings: Type.Array(Type.String()) }), '4xx': Problem },
      },
    },
    async () => ({ findings: await ledger.verify() }),
  )

  app.get(
    '/admin/ledger/statement',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'What a statement made that stands to be erased',
        querystring: Type.Object({ of: Type.String({ maxLength: 64 }) }),
        response: { 200: ErasableView, '4xx': Problem },
      },
    },
    ({ query }) => erasableStatement(ledger, query.of),
  )

  app.post(
    '/admin/ledger/erase',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Erase what a statement says, by law; its leaf and every proof stay',
        body: EraseRequest,
        response: { 201: ErasedView, '4xx': Problem },
      },
    },
    async ({ actor, body }, reply) =>
      reply.code(201).send(await eraseStatement(options, actor, body)),
  )

  app.get(
    '/admin/ledger/erasures',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Statements that were erased, by whom and why',
        response: { 200: Type.Object({ erasures: Type.Array(ErasedView) }), '4xx': Problem },
      },
    },
    async () => ({ erasures: await erasedStatements(options) }),
  )

  app.get(
    '/admin/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Signing keys, the newest first',
        response: { 200: Type.Object({ keys: Type.Array(KeyView) }), '4xx': Problem },
      },
    },
    async () => ({ keys: (await keys.list()).map(viewOf) }),
  )

  app.post(
    '/admin/keys/rotate',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Make a new signing key; what older ones signed stays good',
        response: { 201: KeyView, '4xx': Problem },
      },
    },
    async (request, reply) => {
      // The one that is retired must be there first.
      await keys.current()
      return reply.code(201).send(viewOf(await keys.rotate(request.actor.id)))
    },
  )
}

/** At the top of the address, for anybody. */
export const keySetRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { keys }) => {
  // The second is for clients that know only where the API is.
  for (const url of ['/.well-known/jwks.json', '/api/v1/ledger/keys']) {
    app.get(
      url,
      {
        config: { scope: 'public' },
        schema: {
          tags,
          summary: 'The public keys that checkpoints and attestations are signed with',
          response: { 200: KeySet },
        },
      },
      async (_request, reply) => {
        await keys.current()
        const set = (await keys.list()).map(({ jwk }) => jwk)
        return reply.header('cache-control', 'public, max-age=300').send({ keys: set })
      },
    )
  }
}

function viewOf({ kid, jwk, createdAt, retiredAt }: PublicKey): KeyView {
  return { kid, createdAt, retiredAt, x: jwk.x }
}
