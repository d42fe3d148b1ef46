/* GPUs on the real engine, of a host that has none: what runs says by its label which it has. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { connect } from '../../runners/docker/engine.ts'
import { GpuClaims } from '../../runners/docker/gpus.ts'
import type { Host } from '../../runners/docker/host.ts'
import { type Devices, GPUS_LABEL } from '../../runners/docker/sandbox.ts'
import {
  attemptOf,
  type DockerFixture,
  openDockerFixture,
  programDockerfile,
} from './docker-fixture.ts'
import type { Prepared } from './fixture.ts'

let fixture: DockerFixture
let image: Prepared
before(async () => {
  fixture = await openDockerFixture()
  const files = { train: '#!/bin/sh\nexec sleep 600\n' }
  image = await fixture.prepare({ dockerfile: programDockerfile(fixture.small), files })
})
after(() => fixture?.close())

/** A host of the engine with GPUs that nobody else on it has: numbers are for these tests alone. */
function pretended(indexes: readonly string[]): Host {
  const devices = indexes.map(index => ({ index, uuid: `GPU-${index}`, model: 'NVIDIA H100' }))
  return { gpus: { devices }, gpuDriver: 'nvidia', environment: {} } as unknown as Host
}

test('a GPU of a running container stays taken for whoever looks, until the container has ended', async t => {
  const suffix = randomBytes(4).toString('hex')
  const [first, second] = [`${suffix}-0`, `${suffix}-1`]
  const engine = connect(fixture.socket)
  t.after(() => engine.hangUp())
  const claims = new GpuClaims(engine, async () => pretended([first, second]))
  const { order, place } = await attemptOf(t, fixture, image)
  const start = async (devices?: Devices) => {
    // In the place of the container that the engine cannot start without a driver.
    const label = devices!.given.map(({ index }) => index).join(',')
    const container = await fixture.docker.createContainer({
      Image: (await fixture.docker.getImage(order.image.name).inspect()).Id,
      Entrypoint: ['sleep', '600'],
      Labels: { [GPUS_LABEL]: label },
      HostConfig: {
        Devices: [
          { PathOnHost: '/dev/null', PathInContainer: '/dev/nvidia0', CgroupPermissions: 'rw' },
        ],
      },
    })
    t.after(() => container.remove({ force: true }).catch(() => {}))
    await container.start()
    return { container, label }
  }

  const one = await claims.holding(1, start)
  const again = new GpuClaims(engine, async () => pretended([first, second]))
  const other = await again.holding(1, start)
  const none = await again.holding(0, async devices => devices?.given.length)
  await assert.rejects(again.holding(1, start), { code: 'RUNNER_UNAVAILABLE' })
  await one.container.kill()
  const freed = await again.holding(1, start)

  assert.deepEqual([one.label, other.label, freed.label], [first, second, first])
  assert.equal(none, 0)
  assert.equal(place.attempt.length, 32)
})
