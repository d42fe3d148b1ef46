import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { BACKUP_OBJECTS_MAX, BackupEnd, BackupObjects } from '../../api/backup.ts'
import { digestFromRaw } from '../../api/digest.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { FRAMES_TYPE } from '../../api/transfer/protocol.ts'
import { Problem } from '../../api/wire.ts'
import { framed } from '../../store/frames.ts'
import { COLLECTING, joinLease, type Lease } from '../care/lease.ts'
import type { Rooms } from '../rooms.ts'
import { beginMoment, momentFrames, type Snapshot, sweepCopies } from './moment.ts'

interface Options {
  readonly rooms: Rooms
  readonly snapshot: Snapshot
}

const tags = ['backup']
/** The answers are no secrets of their own, but too large to be kept for repetitions. */
const config = { scope: 'admin', secret: true } as const
const DIGEST = 32

export const backupRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { rooms, snapshot },
) => {
  const { ledger, now, people, store, settings } = rooms
  const join = (lease: string) =>
    joinLease(COLLECTING, lease, { ledger, now, agent: people.system.id })
  await sweepCopies(settings.data)

  app.post(
    '/admin/backup',
    {
      config,
      schema: {
        tags,
        summary: 'Begin a backup: the ledger as it is now, and what it needs of the store',
        description: 'api/backup.ts says what the frames hold. Nothing is collected meanwhile.',
        produces: [FRAMES_TYPE],
      },
    },
    async (request, reply) => {
      const lease = await beginMoment(rooms, request.actor)
      const frames = momentFrames(rooms, snapshot, lease)
      return reply.type(FRAMES_TYPE).send(Readable.from(frames, { objectMode: false }))
    },
  )

  app.post(
    '/admin/backup/objects',
    {
      config,
      schema: {
        tags,
        summary: 'Objects for a backup, as frames; those that cannot be read are left out',
        body: BackupObjects,
        produces: [FRAMES_TYPE],
      },
    },
    async (request, reply) => {
      const raw = Buffer.from(request.body.digests, 'base64')
      if (raw.length % DIGEST !== 0) {
        throw new KaosError('BAD_REQUEST', `digests have ${DIGEST} bytes each, not ${raw.length}`)
      }
      const lease = await join(request.body.lease)
      const frames = framed(objects(raw, lease))
      return reply.type(FRAMES_TYPE).send(Readable.from(frames, { objectMode: false }))
    },
  )

  app.post(
    '/admin/backup/end',
    {
      config,
      schema: {
        tags,
        summary: 'The backup is made, or given up: collections may run again',
        body: BackupEnd,
        response: { 204: Type.Null(), '4xx': Problem },
      },
    },
    async (request, reply) => {
      await (await join(request.body.lease)).release()
      return reply.code(204).send(null)
    },
  )

  async function* objects(raw: Buffer, lease: Lease): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < raw.length && at < BACKUP_OBJECTS_MAX * DIGEST; at += DIGEST) {
        const object = await readable(digestFromRaw(raw.subarray(at, at + DIGEST)))
        if (object) yield object
      }
    } finally {
      await lease.leave()
    }
  }

  async function readable(digest: Parameters<typeof store.get>[0]) {
    try {
      return await store.get(digest)
    } catch (error) {
      if (isKaosError(error, 'OBJECT_UNKNOWN') || isKaosError(error, 'OBJECT_DAMAGED')) {
        return undefined
      }
      throw error
    }
  }
}
