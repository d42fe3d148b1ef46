/* Spans of what is done, for whoever gathers traces. A process makes none until it is given
 * a way (start.ts), and loads nothing for it before: the packages come with otlp.ts. Names and attributes are those of
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

/** From now on spans are made. */
export function useTracing(tracing: Tracing): void {
  used = tracing
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
