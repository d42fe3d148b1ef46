/* The Kubernetes runner on the real cluster that KAOS_TEST_KUBECONFIG names. */
import { runnerConformance } from './conformance.ts'
import { openKubernetesFixture } from './kubernetes-fixture.ts'

runnerConformance('kubernetes', () => openKubernetesFixture())
