/* What a worker says of itself when it asks for work: what it has, and what its jobs may count on. The
 * server matches jobs against this and keeps it as a record (server/worker/roster.ts). */
import Type, { type Static } from 'typebox'

/** A word that a worker carries and a job may ask for: `gpu`, `bigmem`, `zone=eu`. */
export const LABEL = /^[A-Za-z0-9]([A-Za-z0-9._/=-]{0,61}[A-Za-z0-9])?$/
export const LABELS_MAX = 32
export const Label = Type.String({ pattern: LABEL.source })

/** A device that is handed out whole. */
export const Gpu = Type.Object(
  {
    /** Number on its host; of a part of a device (MIG): `0:1`. */
    index: Type.String({ maxLength: 16 }),
    uuid: Type.String({ maxLength: 128 }),
    model: Type.String({ maxLength: 128 }),
    memoryBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { title: 'Gpu' },
)
export type Gpu = Static<typeof Gpu>

export const WorkerAbout = Type.Object(
  {
    /** Made once for each data folder: two workers with one token are two. */
    instance: Type.String({ pattern: '^[0-9a-f]{16}$' }),
    host: Type.String({ maxLength: 255 }),
    version: Type.String({ maxLength: 64 }),
    /** For people: "Docker Engine 20.10.24". */
    engine: Type.String({ maxLength: 255 }),
    slots: Type.Integer({ minimum: 1 }),
    labels: Type.Array(Label, { maxItems: LABELS_MAX }),
    cpus: Type.Number({ minimum: 0 }),
    memoryBytes: Type.Integer({ minimum: 0 }),
    gpus: Type.Integer({ minimum: 0 }),
    /** Its engine decides itself what it has room for, now or later: a cluster. */
    schedules: Type.Optional(Type.Boolean()),
    /** Those GPUs, where it can tell them apart. */
    devices: Type.Optional(Type.Array(Gpu, { maxItems: 256 })),
    driver: Type.Optional(Type.String({ maxLength: 64 })),
    cuda: Type.Optional(Type.String({ maxLength: 64 })),
    /** Where its forwarder answers for services, as the server is to reach it. */
    forwarder: Type.Optional(
      Type.Object({
        url: Type.String({ pattern: '^https?://[^/?#@]+$', maxLength: 512 }),
        /** PEM of the certificate that it shows; it alone is trusted then. */
        certificate: Type.Optional(Type.String({ maxLength: 32_768 })),
      }),
    ),
  },
  { title: 'WorkerAbout' },
)
export type WorkerAbout = Static<typeof WorkerAbout>
