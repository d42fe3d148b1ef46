/* Traces, if the standard variables of this process ask for them. */
import type { Setting } from './otlp.ts'
import { type Tracing, useTracing } from './tracing.ts'

/** From now on spans are made, if they are asked for. CONFIGURATION for a protocol that is not spoken. */
export async function startTracing(setting: Setting): Promise<Tracing | undefined> {
  if (!isAsked(process.env)) return undefined
  const { openTracing } = await import('./otlp.ts')
  const tracing = openTracing(setting)
  useTracing(tracing)
  return tracing
}

function isAsked(env: Readonly<Record<string, string | undefined>>): boolean {
  const at = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT
  const off = env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none'
  return Boolean(at) && !off
}
