/* What is measured of a running program, and the metrics that it says itself: rows of the JSON lines that an
 * attempt sends (api/attempts.ts). */
import Type, { type Static } from 'typebox'

/** A device that a program may use, as it stands: others on it count as well. */
export const GpuUse = Type.Object({
  /** Number on its host. */
  device: Type.String(),
  /** 0 to 1: the part of the last moments in which it computed. */
  busy: Type.Number(),
  memoryBytes: Type.Integer(),
})
export type GpuUse = Static<typeof GpuUse>

export const Measurement = Type.Object({
  at: Type.String({ format: 'date-time' }),
  /** CPU time used since the start, seconds. */
  cpuSeconds: Type.Number(),
  memoryBytes: Type.Integer(),
  /** Bytes since the start, each absent where the system does not tell: from and to disks (what was
   * in memory already is not read from one), and over networks. */
  readBytes: Type.Optional(Type.Integer()),
  writtenBytes: Type.Optional(Type.Integer()),
  receivedBytes: Type.Optional(Type.Integer()),
  sentBytes: Type.Optional(Type.Integer()),
  gpus: Type.Optional(Type.Array(GpuUse)),
})
export type Measurement = Static<typeof Measurement>

/** One value of a metric that a training said while it ran, in MLflow's words. */
export const MetricPoint = Type.Object({
  key: Type.String(),
  value: Type.Number(),
  step: Type.Integer(),
  /** Milliseconds since 1970. */
  timestamp: Type.Integer(),
})
export type MetricPoint = Static<typeof MetricPoint>
/** In the output folder of a training: JSON lines, read while it writes them. */
export const METRICS_FILE = 'metrics/metrics.jsonl'
