import assert from 'node:assert/strict'
import test from 'node:test'
import { walkthrough } from './walkthrough.ts'

test('the walkthrough passes in containers of a real engine', async t => {
  const socket = process.env.KAOS_TEST_DOCKER_SOCKET
  const base = process.env.KAOS_TEST_SMALL_IMAGE
  assert.ok(
    socket && base,
    'KAOS_TEST_DOCKER_SOCKET and KAOS_TEST_SMALL_IMAGE must name a real engine',
  )

  const { answer, modelId } = await walkthrough(t, {
    KAOS_RUNNER: 'docker',
    KAOS_DOCKER_SOCKET: socket,
    KAOS_BASE_IMAGE: base,
  })

  assert.deepEqual(answer, { result: [3] })
  assert.match(modelId, /^[0-9a-f]{5}_[0-9a-f]{5}:[0-9a-f]{6}$/)
})
