/* The Docker runner on the real engine that KAOS_TEST_DOCKER_SOCKET names. */
import { runnerConformance } from './conformance.ts'
import { openDockerFixture } from './docker-fixture.ts'

runnerConformance('docker', openDockerFixture)
