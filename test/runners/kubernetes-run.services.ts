/* What running in a cluster promises beyond the suite that every runner passes, on the real one. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { KubernetesOptions } from '../../runners/kubernetes/settings.ts'
import type { Exit, Runner } from '../../runners/runner.ts'
import { attemptOf, programDockerfile, RUNS_CODE } from './docker-fixture.ts'
import { answerOf, logOf, type Prepared, sceneOf, scriptOf, serviceNamed } from './fixture.ts'
import { type KubernetesFixture, openKubernetesFixture } from './kubernetes-fixture.ts'
import { offerGpus } from './pretend-gpus.ts'

const MEBIBYTE = 1024 * 1024
const FOREVER = 'echo one\nwhile :; do sleep 1; done\n'

let fixture: KubernetesFixture
let plain: Prepared
before(async () => {
  fixture = await openKubernetesFixture('kaos_token')
  const files = { train: RUNS_CODE, serve: RUNS_CODE }
  plain = await fixture.prepare({ dockerfile: programDockerfile(fixture.docker.small), files })
})
after(() => fixture?.close())

interface Wanted {
  readonly image?: Prepared
  readonly resources?: { cpu?: number; memoryBytes?: number; gpu?: number }
  readonly options?: Partial<KubernetesOptions>
  readonly note?: (why: string) => void
}

/** An attempt at a runner of its own settings; the suite's registry wants the attempt's token. */
async function attemptAt(t: TestContext, code: string, wanted: Wanted = {}) {
  const runner = wanted.options ? await fixture.open(wanted.options) : fixture.runner
  if (wanted.options) t.after(() => runner.close())
  const own = { ...fixture.docker, runner }
  const { resources = {} } = wanted
  const attempt = await attemptOf(t, own, wanted.image ?? plain, { code, resources })
  const told = wanted.note === undefined ? {} : { note: wanted.note }
  return { runner, place: attempt.place, order: { ...attempt.order, pull: 'kaos_token', ...told } }
}

async function ran(t: TestContext, code: string, wanted: Wanted = {}) {
  const { runner, order, place } = await attemptAt(t, code, wanted)
  const running = await runner.run(order, place)
  const exit: Exit = await running.exit
  return { running, exit, order, lines: linesOf(await logOf(runner, place)) }
}

/** As if it had been pushed from elsewhere. */
function withoutLabels(prepared: Prepared): Prepared {
  return { ...prepared, image: { ...prepared.image, labels: {} } }
}

/** The log without its stamps. */
function linesOf(log: string): string[] {
  return log
    .trimEnd()
    .split('\n')
    .map(line => line.slice(22))
}

/** Waits until what is looked for is there. */
async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('it never came')
}

describe('the pod of a training', () => {
  it('is nobody, without capabilities, new privileges or a token of the cluster', async t => {
    const code = `
status = open("/proc/self/status").read()
for name in ("Uid", "Gid", "CapEff", "CapBnd", "NoNewPrivs"):
    print([line for line in status.splitlines() if line.startswith(name + ":")][0].split())
print(os.environ["HOME"], os.path.exists("/var/run/secrets/kubernetes.io"))
print([name for name in os.environ if "TOKEN" in name or "SECRET" in name])`

    const { exit, lines } = await ran(t, code)

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.match(lines[0]!, /'65534', '65534', '65534', '65534'/)
    assert.match(lines[1]!, /'65534', '65534', '65534', '65534'/)
    assert.match(lines[2]!, /'0000000000000000'/)
    assert.match(lines[3]!, /'0000000000000000'/)
    assert.match(lines[4]!, /'1'/)
    assert.deepEqual(lines.slice(5), ['/tmp False', '[]'])
  })

  for (const [what, image, refusal] of [
    ['an image whose folder kaos has opened', () => plain, 'Permission denied'],
    ['an image from elsewhere', () => withoutLabels(plain), 'Read-only file system'],
  ] as const) {
    it(`writes to its own folder, memory and the output, and nowhere else: ${what}`, async t => {
      const code = `
for path in ("/opt/program/x", "/tmp/x", "/var/log/x", "/dev/shm/x", "/pfs/out/x", "/usr/x", "/x"):
    try:
        open(path, "w").write("x")
        print(path)
    except OSError as error:
        print(error.strerror)`

      const { lines, order } = await ran(t, code, { image: image() })

      const may = ['/opt/program/x', '/tmp/x', '/var/log/x', '/dev/shm/x', '/pfs/out/x']
      assert.deepEqual(lines, [...may, refusal, refusal])
      assert.equal(await readFile(join(order.out, 'x'), 'utf8'), 'x')
    })
  }

  it('is ended when it takes more memory than it asked for, and that is told', async t => {
    const code = 'block = b"x" * (512 * 1024 * 1024)\nprint(len(block))'

    const { exit } = await ran(t, code, { resources: { memoryBytes: 64 * MEBIBYTE } })

    assert.equal(exit.state, 'failed')
    assert.equal(exit.outOfMemory, true)
    assert.match(exit.reason ?? '', /limit 64 MiB.*--memory/)
  })

  it('has its image pulled with the token of its attempt alone', async t => {
    const without = await attemptAt(t, 'pass')
    const image = await fixture.prepare({
      dockerfile: programDockerfile(fixture.docker.small, 'LABEL kaos.test=pull'),
      files: { train: RUNS_CODE },
    })
    const { exit } = await ran(t, 'print(1)', { image })

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.ok(fixture.images.asked.some(one => one.startsWith('401 ')))
    assert.ok(fixture.images.asked.some(one => one.includes(image.image.manifest!)))
    const { items } = await fixture.cluster.core.listNamespacedSecret({
      namespace: fixture.namespace,
      labelSelector: `kaos.attempt=${without.place.attempt}`,
    })
    assert.deepEqual(items, [])
  })

  it('keeps in its record what it ran in', async t => {
    const { running } = await ran(t, 'pass')

    const { environment } = running
    assert.match(String(environment.engine), /^Kubernetes v1\./)
    assert.equal(environment.network, 'none')
    assert.equal(environment.user, '65534:65534')
    assert.match(String(environment.imageId), /sha256:/)
    assert.ok(environment.node && environment.kernel && environment.containerRuntime)
  })
})

describe('why a program does not run yet', () => {
  it('is told while no node has its GPUs; it runs once one has, and knows their number', async t => {
    const resource = `kaos.test/gpu-${process.pid}`
    const told: string[] = []
    const { runner, order, place } = await attemptAt(
      t,
      'print(os.environ["CUDA_VISIBLE_DEVICES"], os.path.exists("/dev/nvidia0"))',
      { resources: { gpu: 1 }, options: { gpuResource: resource }, note: why => told.push(why) },
    )

    const starting = runner.run(order, place)
    await eventually(() => told.find(why => why.includes(`Insufficient ${resource}`)))
    const gpus = await offerGpus(resource, 1)
    t.after(() => gpus.close())
    const exit = await (await starting).exit

    assert.equal(exit.state, 'succeeded', exit.reason)
    assert.deepEqual(linesOf(await logOf(runner, place)), ['0 True'])
  })

  it('is told of an image that is not there, and a stop ends the waiting', async t => {
    const told: string[] = []
    const { runner, order, place } = await attemptAt(t, 'pass', { note: why => told.push(why) })
    const manifest = `sha256:${'1'.repeat(64)}` as const
    const imageConfig = async () => '{}'

    const starting = runner.run(
      { ...order, image: { ...order.image, manifest }, imageConfig },
      place,
    )
    await eventually(() => told.find(why => /ErrImagePull|ImagePullBackOff/.test(why)))
    await runner.stop(place, 0)
    const exit = await (await starting).exit

    assert.equal(exit.state, 'stopped')
  })

  it('goes on after the worker died while its pod waited', async t => {
    const told: string[] = []
    const options = { nodeSelector: { 'kaos.test/none': 'x' } }
    const first = await attemptAt(t, 'print(7)', { options, note: why => told.push(why) })
    first.runner.run(first.order, first.place).catch(() => {})
    await eventually(() => told.find(why => why.includes('affinity/selector')))
    await first.runner.close()

    const second = await fixture.open(options)
    t.after(() => second.close())
    const adopting = second.adopt(first.place)
    await second.stop(first.place, 0)

    assert.equal((await (await adopting)?.exit)?.state, 'stopped')
  })
})

describe('an endpoint in a cluster', () => {
  it('is made anew by its Deployment when its pod is deleted, behind the same name', async t => {
    const runner = await fixture.open({ reach: 'service' })
    t.after(() => runner.close())
    const { order, place } = await serviceAt(t, scriptOf(serviceNamed('one')))
    const running = await runner.serve(order, place)
    const host = `kaos-${place.attempt}-attempt.${fixture.namespace}.svc`
    assert.deepEqual(running.address, { host, port: 8080 })
    const { core } = fixture.cluster
    const at = { namespace: fixture.namespace, labelSelector: `kaos.attempt=${place.attempt}` }
    const [old] = (await core.listNamespacedPod(at)).items

    await core.deleteNamespacedPod({ ...at, name: old!.metadata!.name!, gracePeriodSeconds: 1 })
    const address = await eventually(async () => {
      const pods = (await core.listNamespacedPod(at)).items
      const fresh = pods.find(pod => pod.metadata?.uid !== old!.metadata?.uid)
      const host = fresh?.status?.podIP
      return host ? { host, port: 8080 } : undefined
    })

    assert.equal(await answerOf(address, '/ping'), 'one')
    const ended = await Promise.race([running.exit.then(() => true), Promise.resolve(false)])
    assert.equal(ended, false)
  })

  it('that is reached by the address of its pod is started again when that is gone', async t => {
    const { runner, order, place } = await serviceAt(t, scriptOf(serviceNamed('one')))
    const running = await runner.serve(order, place)
    assert.equal(await answerOf(running.address!, '/ping'), 'one')
    const { core } = fixture.cluster
    const at = { namespace: fixture.namespace, labelSelector: `kaos.attempt=${place.attempt}` }

    await core.deleteCollectionNamespacedPod({ ...at, gracePeriodSeconds: 1 })
    const exit = await running.exit

    assert.equal(exit.state, 'lost')
    assert.match(exit.reason ?? '', /address/)
  })

  it('leaves nothing in the cluster once it is stopped and released', async t => {
    const { runner, order, place } = await serviceAt(t, FOREVER)
    await runner.serve(order, place)

    await runner.stop(place, 0)
    await runner.release(place)

    const at = { namespace: fixture.namespace, labelSelector: `kaos.attempt=${place.attempt}` }
    const { core, apps } = fixture.cluster
    const left = await Promise.all([
      core.listNamespacedPod(at),
      core.listNamespacedService(at),
      core.listNamespacedSecret(at),
      apps.listNamespacedDeployment(at),
    ])
    const counts = left.map(({ items }) => items.length)
    assert.deepEqual(counts, [0, 0, 0, 0])
  })
})

async function serviceAt(
  t: TestContext,
  script: string,
): Promise<{
  runner: Runner
  order: Awaited<ReturnType<typeof sceneOf>>['order']
  place: Awaited<ReturnType<typeof sceneOf>>['place']
}> {
  const { order, place } = await sceneOf(t, fixture, { script })
  return { runner: fixture.runner, order: { ...order, pull: 'kaos_token' }, place }
}
