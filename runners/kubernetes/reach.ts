/* Where the server reaches a service. Inside the cluster by the name of its Service, which stays when the
 * pod is made anew elsewhere; outside, where the pods' network is routed, by the pod's own address. */
import type { Address } from '../../api/attempts.ts'
import { SERVICE_PORT } from '../sandbox.ts'
import type { Reach } from './settings.ts'
import type { Watched } from './watched.ts'

export function addressOf(
  { name, namespace, pod }: Watched,
  reach: Reach,
): Extract<Address, { host: string }> | undefined {
  if (reach === 'service') return { host: `${name}.${namespace}.svc`, port: SERVICE_PORT }
  const host = pod?.status?.podIP
  return host ? { host, port: SERVICE_PORT } : undefined
}
