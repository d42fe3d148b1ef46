/* From the order to the first line that a training prints, image cached: through the Kubernetes runner,
 * with its inputs mounted, its folder made writable and its log followed, against a bare Job of the same
 * image whose log somebody follows. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '../api/ids.ts'
import { Pods } from '../runners/kubernetes/pods.ts'
import {
  type KubernetesFixture,
  openKubernetesFixture,
} from '../test/runners/kubernetes-fixture.ts'
import { line, median } from './measure.ts'

const ROUNDS = 8
const TRAIN = '#!/bin/sh\necho one\nsleep 1\n'

export async function kubernetesStart(): Promise<void> {
  const fixture = await openKubernetesFixture()
  const work = await mkdtemp(join(tmpdir(), 'kaos-bench-'))
  try {
    const program = join(work, 'program')
    await mkdir(program)
    await writeFile(join(program, 'train'), TRAIN)
    await chmod(join(program, 'train'), 0o755)
    const prepared = await fixture.image(program)
    const image = `${fixture.images.at}/x/y@${prepared.image.manifest}`
    const ours: number[] = []
    const bare: number[] = []
    const pods = new Pods(fixture.cluster, fixture.namespace)
    for (let round = -1; round < ROUNDS; round++) {
      const times = [await ourStart(fixture, prepared, work), await bareStart(fixture, pods, image)]
      // The first round fetches the image.
      if (round < 0) continue
      ours.push(times[0]!)
      bare.push(times[1]!)
    }
    const ratio = median(ours) / median(bare)
    const medians = { ours_ms: median(ours), bare_ms: median(bare) }
    line('kubernetes-start', { ...medians, ratio, goal: '<=1.2', n: ROUNDS })
  } finally {
    await rm(work, { recursive: true, force: true })
    await fixture.close()
  }
}

async function ourStart(
  { runner }: KubernetesFixture,
  prepared: Awaited<ReturnType<KubernetesFixture['image']>>,
  work: string,
): Promise<number> {
  const attempt = newId()
  const place = { attempt, dir: join(work, attempt) }
  const folders = ['data', 'hyper', 'out'].map(name => join(work, `${name}-${attempt}`))
  for (const folder of [place.dir, ...folders]) await mkdir(folder)
  const [data, hyper, out] = folders as [string, string, string]
  const start = performance.now()
  await runner.run(
    {
      ...{ image: prepared.image, layout: () => prepared.layout(), program: work, resources: {} },
      ...{ env: {}, data: [{ name: 'features:1', path: data }], hyper, out, output: 'b82151' },
    },
    place,
  )
  for await (const _ of runner.logs(place, 0, new AbortController().signal)) break
  const ms = performance.now() - start
  await runner.stop(place, 0)
  await runner.release(place)
  return ms
}

async function bareStart(
  { cluster, namespace }: KubernetesFixture,
  pods: Pods,
  image: string,
): Promise<number> {
  const name = `bare-${newId()}`
  const labels = { 'app.kubernetes.io/managed-by': 'kaos', 'kaos.place': name }
  const container = { name: 'program', image, command: ['./train'], workingDir: '/opt/program' }
  const spec = { restartPolicy: 'Never', containers: [container] }
  const never = new AbortController().signal
  const start = performance.now()
  await cluster.batch.createNamespacedJob({
    namespace,
    body: {
      metadata: { name, labels },
      spec: { backoffLimit: 0, template: { metadata: { labels }, spec } },
    },
  })
  for (;;) {
    const pod = pods.of(name)
    const state = pod?.status?.containerStatuses?.[0]?.state
    if (state?.running || state?.terminated) {
      const path = `/api/v1/namespaces/${namespace}/pods/${pod!.metadata!.name}/log`
      const log = await cluster.read(path, { follow: 'true' }, never)
      for await (const _ of log) break
      break
    }
    await pods.change(never)
  }
  const ms = performance.now() - start
  await cluster.batch.deleteNamespacedJob({ namespace, name, propagationPolicy: 'Background' })
  return ms
}
