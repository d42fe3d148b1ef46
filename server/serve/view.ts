import type { EndpointView } from '../../api/wire.ts'
import type { EndpointRecord } from '../jobs/records.ts'
import type { Parts } from '../parts.ts'

export async function endpointView(
  { people, settings }: Parts,
  endpoint: EndpointRecord,
  requestHost: string,
): Promise<EndpointView> {
  return {
    name: endpoint.name,
    state: endpoint.state,
    reason: endpoint.reason,
    url: urlOf(endpoint.name, settings.publicUrl, requestHost),
    user: await people.nameOf(endpoint.author),
    createdAt: endpoint.createdAt,
    code: `/${endpoint.codeName}`,
    image: endpoint.imageName,
    modelId: endpoint.model?.modelId ?? null,
    buildJob: endpoint.buildJob,
    revision: endpoint.revision,
  }
}

/** As the caller reaches it, without scheme as the original showed it. */
export function urlOf(name: string, publicUrl: string | undefined, requestHost: string): string {
  const host = publicUrl?.replace(/^[a-z]+:\/\//, '').replace(/\/+$/, '') ?? requestHost
  return `${host}/${name}/invocations`
}
