/* A real cluster for the Kubernetes suites: a namespace of the suite's own, images built by the real
 * Docker engine and pulled by the node from a registry of the suite's own. */
import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../runners/kubernetes/cluster.ts'
import { connect, isGone } from '../../runners/kubernetes/cluster.ts'
import type { KubernetesOptions } from '../../runners/kubernetes/settings.ts'
import type { Runner } from '../../runners/runner.ts'
import { type Bundle, type DockerFixture, openDockerFixture } from './docker-fixture.ts'
import type { Prepared, RunnerFixture } from './fixture.ts'
import { type ImageServer, serveImages } from './image-server.ts'
import { openTestRunner, type TestOptions } from './kubernetes-opener.ts'

export interface KubernetesFixture extends RunnerFixture {
  readonly cluster: Cluster
  readonly namespace: string
  readonly images: ImageServer
  readonly docker: DockerFixture
  readonly options: TestOptions
  /** Another runner on the same namespace, with other settings. */
  open(more: Partial<KubernetesOptions>): Promise<Runner>
  prepare(bundle: Bundle): Promise<Prepared>
}

export function kubeconfig(): string {
  const value = process.env.KAOS_TEST_KUBECONFIG
  if (value) return value
  throw new Error('KAOS_TEST_KUBECONFIG is not set: start the cluster of the tests and export it')
}

export async function openKubernetesFixture(password?: string): Promise<KubernetesFixture> {
  const config = kubeconfig()
  const docker = await openDockerFixture()
  const images = await serveImages(password)
  const cluster = connect(config)
  const namespace = `kaos-test-${randomBytes(4).toString('hex')}`
  await makeNamespace(cluster, namespace)
  const kubernetes: KubernetesOptions = {
    ...{ kubeconfig: config, namespace, registry: images.at },
    volume: { kind: 'host' },
  }
  const options: TestOptions = { kubernetes, socket: docker.socket }
  const runner = await openTestRunner(options)
  const prepare = async (bundle: Bundle) => {
    const { built, ...prepared } = await docker.prepare(bundle)
    images.add(built.folder)
    return prepared
  }
  return {
    ...{ runner, cluster, namespace, images, docker, options, prepare },
    open: more => openTestRunner({ ...options, kubernetes: { ...kubernetes, ...more } }),
    view: 'private',
    opener: {
      module: new URL('./kubernetes-opener.ts', import.meta.url).href,
      name: 'openTestRunner',
      options,
    },
    async image(program) {
      const prepared = await docker.image(program)
      images.add(await prepared.layout())
      return prepared
    },
    alive: marker => docker.alive(marker),
    async close() {
      await runner.close()
      await cluster.core.deleteNamespace({ name: namespace })
      await untilGone(() => cluster.core.readNamespace({ name: namespace }))
      cluster.hangUp()
      await images.close()
      await docker.close()
    },
  }
}

/** Pods need its account, which the cluster makes a moment later. */
export async function makeNamespace(cluster: Cluster, name: string): Promise<void> {
  await cluster.core.createNamespace({ body: { metadata: { name } } })
  for (let tries = 0; tries < 200; tries++) {
    const found = await cluster.core
      .readNamespacedServiceAccount({ namespace: name, name: 'default' })
      .catch(() => undefined)
    if (found) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error(`the cluster makes no account in the namespace ${name}`)
}

export async function untilGone(look: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      await look()
    } catch (error) {
      if (isGone(error)) return
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  throw new Error('it is still there')
}
