/* The whole program with every real part: ledger in Neo4j, store in a bucket, wake-ups over Redis, and
 * jobs in a real cluster, whose node pulls the images from the server under test. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { connect } from '../../runners/kubernetes/cluster.ts'
import { place as neo4jPlace, sweep } from '../graph/neo4j-place.ts'
import { kubeconfig, makeNamespace, untilGone } from '../runners/kubernetes-fixture.ts'
import { dropBucket, testPlace } from '../store/buckets.ts'
import { walkthrough } from './walkthrough.ts'

function needed(name: string): string {
  const value = process.env[name]
  assert.ok(value, `${name} must name a real service`)
  return value
}

/** A namespace that is gone after the test, with all that is in it. */
async function namespaceFor(t: TestContext) {
  const cluster = connect(kubeconfig())
  const name = `kaos-e2e-${randomBytes(4).toString('hex')}`
  await makeNamespace(cluster, name)
  t.after(async () => {
    await cluster.core.deleteNamespace({ name })
    await untilGone(() => cluster.core.readNamespace({ name }))
    cluster.hangUp()
  })
  return { cluster, name }
}

test('the walkthrough passes on Neo4j, S3, Redis and Kubernetes, and leaves nothing in the cluster', async t => {
  const { cluster, name: namespace } = await namespaceFor(t)
  const bucket = testPlace()
  const neo4j = neo4jPlace()
  await sweep('content', '')
  t.after(async () => {
    await dropBucket(bucket)
    await sweep('all', '')
  })

  const { answer, modelId } = await walkthrough(t, {
    KAOS_RUNNER: 'kubernetes',
    KUBECONFIG: kubeconfig(),
    KAOS_KUBE_NAMESPACE: namespace,
    KAOS_DOCKER_SOCKET: needed('KAOS_TEST_DOCKER_SOCKET'),
    KAOS_BASE_IMAGE: needed('KAOS_TEST_SMALL_IMAGE'),
    KAOS_REDIS_URL: needed('KAOS_TEST_REDIS_URL'),
    KAOS_NEO4J_URL: neo4j.url,
    KAOS_NEO4J_USER: neo4j.user,
    KAOS_NEO4J_PASSWORD: neo4j.password,
    KAOS_S3_ENDPOINT: bucket.endpoint,
    KAOS_S3_BUCKET: bucket.bucket,
    KAOS_S3_ACCESS_KEY: bucket.accessKey,
    KAOS_S3_SECRET_KEY: bucket.secretKey,
  })

  assert.deepEqual(answer, { result: [3] })
  assert.match(modelId, /^[0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}$/)
  const [jobs, deployments, secrets] = await Promise.all([
    cluster.batch.listNamespacedJob({ namespace }),
    cluster.apps.listNamespacedDeployment({ namespace }),
    cluster.core.listNamespacedSecret({ namespace }),
  ])
  const left = [...jobs.items, ...deployments.items, ...secrets.items].map(
    one => one.metadata?.name,
  )
  assert.deepEqual(left, [])
})
