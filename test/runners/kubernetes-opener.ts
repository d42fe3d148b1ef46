/** The Kubernetes runner with the Docker runner as its builder, from options that are plain JSON. */
import { openDockerRunner } from '../../runners/docker/docker.ts'
import { openKubernetesRunner } from '../../runners/kubernetes/kubernetes.ts'
import type { KubernetesOptions } from '../../runners/kubernetes/settings.ts'
import type { Runner } from '../../runners/runner.ts'

export interface TestOptions {
  readonly kubernetes: KubernetesOptions
  readonly socket: string
}

export async function openTestRunner({ kubernetes, socket }: TestOptions): Promise<Runner> {
  return openKubernetesRunner(kubernetes, await openDockerRunner({ socket }))
}
