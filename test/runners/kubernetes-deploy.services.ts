/* The kustomize base against the real API server: each object is taken in a strict dry run, which refuses
 * unknown fields, and the rights that it gives the worker are enough for what the worker does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { KubeConfig, type KubernetesObject } from '@kubernetes/client-node'
import { parseAllDocuments } from 'yaml'
import type { Cluster } from '../../runners/kubernetes/cluster.ts'
import { answerOf, logOf, sceneOf, scriptOf, serviceNamed } from './fixture.ts'
import { type KubernetesFixture, kubeconfig, openKubernetesFixture } from './kubernetes-fixture.ts'

const BASE = join(import.meta.dirname, '..', '..', 'docs', 'deploy', 'kubernetes')
const CLUSTER_WIDE = ['Namespace', 'ClusterRole', 'ClusterRoleBinding']
const RIGHTS = ['ServiceAccount', 'Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']

function read(file: string): KubernetesObject[] {
  const all = parseAllDocuments(readFileSync(join(BASE, file), 'utf8'))
  return all.map(one => one.toJS() as KubernetesObject)
}

function base(): KubernetesObject[] {
  const [kustomization] = read('kustomization.yaml')
  const { resources } = kustomization as unknown as { resources: string[] }
  return resources.flatMap(read)
}

/** The object as it stands, in another namespace than the base's. */
function placed(object: KubernetesObject, namespace: string): KubernetesObject {
  const own = JSON.parse(
    JSON.stringify(object).replaceAll('"namespace":"kaos"', `"namespace":"${namespace}"`),
  ) as KubernetesObject
  const isWide = CLUSTER_WIDE.includes(own.kind ?? '')
  // Names of the whole cluster are other suites' too.
  const name = isWide ? `${own.metadata?.name}-${namespace}` : own.metadata?.name
  const text = JSON.stringify({
    ...own,
    metadata: { ...own.metadata, name, ...(isWide ? {} : { namespace }) },
  })
  return JSON.parse(
    text.replaceAll(
      '"kind":"ClusterRole","name":"kaos-worker-nodes"',
      `"kind":"ClusterRole","name":"kaos-worker-nodes-${namespace}"`,
    ),
  )
}

/** POSTs it; answers what the server has against it. */
async function send(cluster: Cluster, object: KubernetesObject, query: string): Promise<string> {
  const { apiVersion = '', kind = '', metadata } = object
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const within = metadata?.namespace ? `/namespaces/${metadata.namespace}` : ''
  const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`
  const options = { method: 'POST', headers: { 'content-type': 'application/json' } }
  await cluster.config.applyToHTTPSOptions(options)
  const url = `${cluster.at}${group}${within}/${plural}?fieldValidation=Strict${query}`
  return new Promise((resolve, reject) => {
    const call = request(url, options, async answer => {
      const body = await text(answer)
      resolve(answer.statusCode === 201 ? '' : `${kind} ${metadata?.name}: ${body}`)
    })
    call.once('error', reject)
    call.end(JSON.stringify(object))
  })
}

describe('the base for a cluster', () => {
  let fixture: KubernetesFixture
  before(async () => {
    fixture = await openKubernetesFixture()
  })
  after(() => fixture.close())

  it('is taken by the API server, every object of it', async () => {
    const refused: string[] = []
    for (const object of base()) {
      refused.push(await send(fixture.cluster, placed(object, fixture.namespace), '&dryRun=All'))
    }

    assert.deepEqual(refused.filter(Boolean), [])
  })

  it('gives the worker the rights that it uses, and none to read secrets or to execute in pods', async t => {
    const { cluster, namespace } = fixture
    const rights = base().filter(({ kind }) => RIGHTS.includes(kind ?? ''))
    for (const object of rights) {
      assert.equal(await send(cluster, placed(object, namespace), ''), '')
    }
    t.after(async () => {
      const name = `kaos-worker-nodes-${namespace}`
      const { RbacAuthorizationV1Api } = await import('@kubernetes/client-node')
      const api = cluster.config.makeApiClient(RbacAuthorizationV1Api)
      await api.deleteClusterRoleBinding({ name })
      await api.deleteClusterRole({ name })
    })
    const runner = await fixture.open({ kubeconfig: await configOf(fixture) })
    t.after(() => runner.close())
    const own = { ...fixture, runner }

    const training = await sceneOf(t, own, { script: 'echo trained' })
    const pull = { ...training.order, pull: 'kaos_token' }
    const exit = await (await runner.run(pull, training.place)).exit
    const service = await sceneOf(t, own, { script: scriptOf(serviceNamed('one')) })
    const serving = await runner.serve(service.order, service.place)

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.match(await logOf(runner, training.place), /trained/)
    assert.equal(await answerOf(serving.address!, '/ping'), 'one')
    await runner.stop(service.place, 0)
    assert.equal((await serving.exit).state, 'stopped')
    const asWorker = { user: `system:serviceaccount:${namespace}:kaos-worker` }
    for (const [verb, resource, subresource] of [
      ['get', 'secrets', ''],
      ['list', 'secrets', ''],
      ['create', 'pods', 'exec'],
      ['create', 'pods', ''],
    ] as const) {
      const { AuthorizationV1Api } = await import('@kubernetes/client-node')
      const { status } = await cluster.config
        .makeApiClient(AuthorizationV1Api)
        .createSubjectAccessReview({
          body: {
            spec: { ...asWorker, resourceAttributes: { namespace, verb, resource, subresource } },
          },
        })
      assert.equal(status?.allowed, false, `${verb} ${resource}/${subresource}`)
    }
  })
})

/** A kubeconfig of the worker's own account. */
async function configOf({ cluster, namespace, docker }: KubernetesFixture): Promise<string> {
  const { status } = await cluster.core.createNamespacedServiceAccountToken({
    ...{ namespace, name: 'kaos-worker' },
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  })
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig())
  const found = config.getCurrentCluster()!
  config.loadFromClusterAndUser(found, { name: 'worker', token: status?.token ?? '' })
  const path = join(await docker.folder(), 'kubeconfig')
  await writeFile(path, config.exportConfig())
  return path
}
