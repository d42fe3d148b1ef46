/* Spans of what is done, for whoever gathers traces. A process makes none until `startTracing` finds that
 * they are asked for, and loads nothing for it before: the packages come with otlp.ts. Names and attributes are those of
 * OpenTelemetry's semantic conventions where these have one, and `kaos.` else. */

export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface SpanOptions {
  readonly kind?: 'internal' | 'server'
  /** W3C traceparent of what this is a part of; absent: what is at work here. */
  readonly parent?: string | undefined
  readonly attributes?: Attributes
}

export interface Span {
  /** 32 hex digits. */
  readonly traceId: string
  set(attributes: Attributes): void
  /** The first end counts. `error`: it went wrong, and why. */
  end(error?: unknown): void
}

export interface Tracing {
  begin(name: string, options: SpanOptions): Span
  /** Spans that begin in the work, and in what it awaits, are parts of this one. */
  within<T>(span: Span, work: () => T): T
  /** W3C traceparent of the span at work here. */
  here(): string | undefined
  /** Sends what is left, for a few seconds at most. */
  close(): Promise<void>
}

let used: Tracing | undefined

export interface Setting {
  /** `service.name`, where no variable gives another. */
  readonly service: string
  readonly version: string
  /** Told when spans cannot be sent, once a minute at most. */
  readonly warn: (message: string) => void
}

/** From now on spans are made, if the standard variables of this process ask for them. CONFIGURATION for
 * a protocol that is not spoken. */
export async function startTracing(setting: Setting): Promise<Tracing | undefined> {
  if (!isTracingAsked(process.env)) return undefined
  const { openTracing } = await import('./otlp.ts')
  used = openTracing(setting)
  return used
}

export function tracing(): Tracing | undefined {
  return used
}

/** W3C traceparent of the span at work here; undefined where nobody traces. */
export function traceparentHere(): string | undefined {
  return used?.here()
}

/** Does the work in a span of its own. */
export async function spanned<T>(
  name: string,
  options: SpanOptions,
  work: () => Promise<T>,
): Promise<T> {
  if (used === undefined) return work()
  const span = used.begin(name, options)
  try {
    const result = await used.within(span, work)
    span.end()
    return result
  } catch (error) {
    span.end(error)
    throw error
  }
}

function isTracingAsked(env: Readonly<Record<string, string | undefined>>): boolean {
  const at = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT
  const off = env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none'
  return Boolean(at) && !off
}
