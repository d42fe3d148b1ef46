/* Makes what a start needs in the cluster: secret, then Job, or Deployment and Service. Made once,
 * however often it is asked for: a start that was cut off is gone on with. */
import type { V1Deployment, V1Job } from '@kubernetes/client-node'
import { KaosError } from '../../api/errors.ts'
import { type Cluster, isTaken, reaching, removing, statusOf, wordsOf } from './cluster.ts'
import {
  deploymentOf,
  jobOf,
  networkPolicies,
  ownerOf,
  pullSecretOf,
  serviceOf,
} from './objects.ts'
import type { Box } from './pod.ts'

export async function make(cluster: Cluster, namespace: string, box: Box, token?: string) {
  await inWords(`${box.name} in ${namespace}`, async () => {
    if (token !== undefined) await makeSecret(cluster, namespace, box, token)
    if (box.purpose === 'train') await makeJob(cluster, namespace, box, token !== undefined)
    else await makeService(cluster, namespace, box, token !== undefined)
  })
}

/** What the cluster has against something, as an error that a user can act on. */
async function inWords(what: string, call: () => Promise<void>): Promise<void> {
  try {
    await call()
  } catch (error) {
    const status = statusOf(error)
    if (status === undefined) throw error
    const next =
      status === 404 ? '; make the namespace, or name another in KAOS_KUBE_NAMESPACE' : ''
    const message = `the cluster refuses ${what}: ${wordsOf(error)}${next}`
    throw new KaosError('RUNNER_UNAVAILABLE', message, { cause: error })
  }
}

async function makeSecret(cluster: Cluster, namespace: string, box: Box, token: string) {
  const body = pullSecretOf(box, box.options.registry, token)
  await once(cluster, () => cluster.core.createNamespacedSecret({ namespace, body }))
}

async function makeJob(cluster: Cluster, namespace: string, box: Box, owns: boolean) {
  const { batch } = cluster
  const at = { namespace, name: box.name }
  const made: V1Job =
    (await once(cluster, () => batch.createNamespacedJob({ namespace, body: jobOf(box) }))) ??
    (await reaching(cluster, () => batch.readNamespacedJob(at)))
  if (owns) await own(cluster, namespace, box, ownerOf(made, 'Job'))
}

async function makeService(cluster: Cluster, namespace: string, box: Box, owns: boolean) {
  const { apps, core } = cluster
  const at = { namespace, name: box.name }
  const body = deploymentOf(box)
  const made: V1Deployment =
    (await once(cluster, () => apps.createNamespacedDeployment({ namespace, body }))) ??
    (await reaching(cluster, () => apps.readNamespacedDeployment(at)))
  const owner = ownerOf(made, 'Deployment')
  await once(cluster, () => {
    return core.createNamespacedService({ namespace, body: serviceOf(box, owner) })
  })
  if (owns) await own(cluster, namespace, box, owner)
}

/** The secret goes when what it is for goes. */
async function own(
  cluster: Cluster,
  namespace: string,
  { name }: Box,
  owner: ReturnType<typeof ownerOf>,
) {
  const body = [{ op: 'add', path: '/metadata/ownerReferences', value: [owner] }]
  await reaching(cluster, () => cluster.core.patchNamespacedSecret({ namespace, name, body }))
}

/** Undefined if it was there already. */
async function once<T>(cluster: Cluster, create: () => Promise<T>): Promise<T | undefined> {
  try {
    return await reaching(cluster, create)
  } catch (error) {
    if (isTaken(error)) return undefined
    throw error
  }
}

/** Ends and removes all of a start: in the foreground, so the owner goes after its pods. */
export async function remove(
  cluster: Cluster,
  namespace: string,
  name: string,
  how: 'Foreground' | 'Background',
): Promise<void> {
  const { batch, apps, core } = cluster
  const at = { namespace, name, propagationPolicy: how }
  await Promise.all([
    removing(cluster, () => batch.deleteNamespacedJob(at)),
    removing(cluster, () => apps.deleteNamespacedDeployment(at)),
    removing(cluster, () => core.deleteNamespacedService({ namespace, name })),
    removing(cluster, () => core.deleteNamespacedSecret({ namespace, name })),
  ])
}

/** The policies of kaos's pods in a namespace: as they are written here, or as somebody changed them. */
export async function ensurePolicies(cluster: Cluster, namespace: string): Promise<void> {
  const { networking } = cluster
  await inWords(`network policies in ${namespace}`, async () => {
    for (const body of networkPolicies()) {
      await once(cluster, () => networking.createNamespacedNetworkPolicy({ namespace, body }))
    }
  })
}
