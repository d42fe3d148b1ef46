/* Traces by OTLP over HTTP, set up by the standard variables: OTEL_EXPORTER_OTLP_ENDPOINT and its
 * relatives, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_*
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). Loaded by
 * start.ts alone, where they are asked for. */
import {
  type Context,
  context,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { KaosError } from '../errors.ts'
import type { Span, SpanOptions, Tracing } from './tracing.ts'

const CLOSE_MS = 3000
/** A collector that is away is told of so often. */
const TOLD_MS = 60_000
const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER } as const

export interface Setting {
  /** `service.name`, where no variable gives another. */
  readonly service: string
  readonly version: string
  /** Told when spans cannot be sent, once a minute at most. */
  readonly warn: (message: string) => void
}

/** CONFIGURATION for a protocol that is not spoken. */
export function openTracing({ service, version, warn }: Setting): Tracing {
  const env = process.env
  const protocol =
    env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL || 'http/protobuf'
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    const message = `OTEL_EXPORTER_OTLP_PROTOCOL is "${protocol}"; give http/protobuf or http/json`
    throw new KaosError('CONFIGURATION', message)
  }
  tellOf(warn)
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter()
  const named = resourceFromAttributes({ 'service.name': service, 'service.version': version })
  const provider = new NodeTracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  provider.register()
  const tracer = trace.getTracer('kaos', version)
  const spans = new WeakMap<Span, Context>()
  return {
    begin(name, options) {
      const above = contextOf(options)
      const made = tracer.startSpan(
        name,
        { kind: KINDS[options.kind ?? 'internal'], attributes: { ...options.attributes } },
        above,
      )
      const span = spanOver(made)
      spans.set(span, trace.setSpan(above, made))
      return span
    },
    within: (span, work) => context.with(spans.get(span) ?? context.active(), work),
    here() {
      const carrier: { traceparent?: string } = {}
      propagation.inject(context.active(), carrier)
      return carrier.traceparent
    },
    async close() {
      const late = new Promise<void>(resolve => setTimeout(resolve, CLOSE_MS).unref())
      await Promise.race([provider.shutdown().catch(() => {}), late])
    },
  }
}

function contextOf({ parent }: SpanOptions): Context {
  if (parent === undefined) return context.active()
  return propagation.extract(ROOT_CONTEXT, { traceparent: parent })
}

function spanOver(span: OtelSpan): Span {
  return {
    traceId: span.spanContext().traceId,
    set(attributes) {
      if (span.isRecording()) span.setAttributes({ ...attributes })
    },
    end(error) {
      if (!span.isRecording()) return
      if (error !== undefined) {
        const message = error instanceof Error ? error.message : String(error)
        const code = (error as { code?: unknown }).code
        span.setAttribute('error.type', typeof code === 'string' ? code : 'Error')
        span.setStatus({ code: SpanStatusCode.ERROR, message })
      }
      span.end()
    },
  }
}

/** What the packages have to say: that a batch was not taken, above all. */
function tellOf(warn: (message: string) => void): void {
  let told = Number.NEGATIVE_INFINITY
  const say = (message: string, ...more: unknown[]) => {
    if (performance.now() - told < TOLD_MS) return
    told = performance.now()
    warn(`traces: ${[message, ...more].map(String).join(' ').slice(0, 500)}`)
  }
  const quiet = () => {}
  const logger = { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}
