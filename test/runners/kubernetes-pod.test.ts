import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import { jobOf, labelsOf, nameOf, networkPolicies } from '../../runners/kubernetes/objects.ts'
import { type Box, podOf } from '../../runners/kubernetes/pod.ts'
import { type KubernetesOptions, kubernetesOptions } from '../../runners/kubernetes/settings.ts'
import type { TrialOrder } from '../../runners/runner.ts'
import { sandboxOf } from '../../runners/sandbox.ts'

const place = { attempt: 'a'.repeat(32), dir: '/var/lib/kaos/worker/attempts/a/place-1' }

function box(
  labels: Record<string, string> = {},
  options: Partial<KubernetesOptions> = {},
  resources: TrialOrder['resources'] = { cpu: 0.5, memoryBytes: 2 ** 30, gpu: 2 },
): Box {
  const digest = digestOf('x')
  const image = { name: 'build-train-mnist:e23a2', kind: 'oci' as const, tree: digest }
  const order: TrialOrder = {
    image: { ...image, program: digest, labels },
    layout: async () => '/layout',
    ...{ program: '/program', resources, env: { SEED: '1' } },
    data: [{ name: 'features:9fd9d', path: '/data/worker/cache/trees/9f' }],
    ...{ hyper: '/data/worker/hyper', out: '/data/worker/out', output: 'b82151' },
  }
  const sandbox = sandboxOf({}, order, 'train')
  return {
    ...{ name: nameOf(place), labels: labelsOf(place, 'train', sandbox), purpose: 'train' },
    ...{ order, sandbox, image: `kaos.example.com/mnist/app@${digest}` },
    options: { registry: 'kaos.example.com', volume: { kind: 'host' }, ...options },
  }
}

describe('the pod of a training', () => {
  it('is nobody, without capabilities, privileges, tokens or a writable root', () => {
    const { spec } = podOf(box())
    const program = spec!.containers[0]!

    assert.equal(spec!.automountServiceAccountToken, false)
    assert.equal(spec!.restartPolicy, 'Never')
    for (const one of [program, ...spec!.initContainers!]) {
      assert.deepEqual(one.securityContext, {
        ...{ runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534 },
        ...{ allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true },
        capabilities: { drop: ['ALL'] },
      })
    }
    assert.ok(!JSON.stringify(spec).includes('hostNetwork'))
  })

  it('needs no copy of the folder of an image that is built with an open one', () => {
    const { spec } = podOf(box({ 'kaos.folder': 'open' }))
    const program = spec!.containers[0]!

    assert.equal(spec!.initContainers, undefined)
    assert.equal(program.securityContext?.readOnlyRootFilesystem, false)
    assert.equal(program.securityContext?.runAsUser, 65534)
    const mounted = program.volumeMounts!.map(one => one.mountPath)
    assert.ok(!mounted.includes('/opt/program'))
    assert.ok(mounted.includes('/tmp'))
  })

  it('is root with few capabilities where the Dockerfile declares it', () => {
    const { spec } = podOf(box({ 'kaos.user': 'root' }))

    const { securityContext } = spec!.containers[0]!
    assert.equal(securityContext?.runAsUser, 0)
    assert.deepEqual(securityContext?.capabilities?.drop, ['ALL'])
    assert.equal(securityContext?.allowPrivilegeEscalation, false)
  })

  it('sees its inputs read-only and only its output writable', () => {
    const { spec } = podOf(box())
    const mounts = spec!.containers[0]!.volumeMounts!.filter(one =>
      one.mountPath.startsWith('/pfs'),
    )

    const shown = mounts.map(one => [one.mountPath, one.readOnly])
    assert.deepEqual(shown, [
      ['/pfs/data/features:9fd9d', true],
      ['/pfs/hyper', true],
      ['/pfs/out', false],
    ])
  })

  it('gets what it asks for as request and limit, and devices for the program alone', () => {
    const { spec } = podOf(box())

    const { limits, requests } = spec!.containers[0]!.resources!
    assert.deepEqual(limits, { cpu: '500m', memory: String(2 ** 30), 'nvidia.com/gpu': '2' })
    assert.deepEqual(requests, limits)
    assert.equal(spec!.initContainers![0]!.resources!.limits!['nvidia.com/gpu'], undefined)
  })

  it('mounts folders of a shared volume by their path below where the worker has it', () => {
    const volume = { kind: 'claim', claim: 'kaos', root: '/data' } as const

    const { spec } = podOf(box({}, { volume }))

    const [data] = spec!.containers[0]!.volumeMounts!
    assert.equal(data?.subPath, 'worker/cache/trees/9f')
    assert.deepEqual(spec!.volumes![0]!.persistentVolumeClaim, { claimName: 'kaos' })
  })

  it('is refused when the worker keeps its folders elsewhere than on the shared volume', () => {
    const volume = { kind: 'claim', claim: 'kaos', root: '/mnt/shared' } as const

    assert.throws(() => podOf(box({}, { volume })), { code: 'CONFIGURATION' })
  })

  it('goes to the nodes that the operator names, and past the taints', () => {
    const { spec } = podOf(
      box(
        {},
        {
          nodeSelector: { pool: 'gpu' },
          tolerations: [{ key: 'gpu', effect: 'NoSchedule' }],
          volume: { kind: 'host', node: 'n1' },
        },
      ),
    )

    assert.deepEqual(spec!.nodeSelector, { pool: 'gpu', 'kubernetes.io/hostname': 'n1' })
    const tolerated = { operator: 'Exists', key: 'gpu', effect: 'NoSchedule' }
    assert.deepEqual(spec!.tolerations, [tolerated])
  })

  it('is tried once, and carries the labels that find it', () => {
    const job = jobOf(box())

    assert.equal(job.spec?.backoffLimit, 0)
    assert.equal(job.metadata?.name, `kaos-${'a'.repeat(32)}-place-1`)
    assert.equal(job.metadata?.labels?.['kaos.network'], 'off')
    assert.deepEqual(job.spec?.template.metadata?.labels, job.metadata?.labels)
  })

  it('is cut from the network by a policy unless its bundle declared it', () => {
    const [training] = networkPolicies()

    assert.deepEqual(training?.spec?.policyTypes, ['Ingress', 'Egress'])
    assert.equal(training?.spec?.egress, undefined)
    const open = jobOf(box({ 'kaos.network': 'on' }))
    assert.equal(open.metadata?.labels?.['kaos.network'], 'on')
  })
})

describe('the settings of the cluster', () => {
  const base = { KAOS_SERVER: 'http://127.0.0.1:8080' }

  it('need nothing but a kubeconfig: images come from this server, folders from this node', () => {
    const options = kubernetesOptions({ ...base, KUBECONFIG: '/k' })

    const volume = { kind: 'host' }
    assert.deepEqual(options, { kubeconfig: '/k', registry: '127.0.0.1:8080', volume })
  })

  it('take a registry, a claim, labels and taints', () => {
    const options = kubernetesOptions({
      ...base,
      KAOS_KUBE_REGISTRY: 'kaos.example.com',
      KAOS_KUBE_VOLUME: 'claim:kaos:/data',
      KAOS_KUBE_NODE_SELECTOR: 'pool=gpu, zone=a',
      KAOS_KUBE_TOLERATIONS: 'gpu=true:NoSchedule,spot',
      KAOS_KUBE_NAMESPACE: 'kaos-{organisation}',
    })

    assert.equal(options.registry, 'kaos.example.com')
    assert.deepEqual(options.volume, { kind: 'claim', claim: 'kaos', root: '/data' })
    assert.deepEqual(options.nodeSelector, { pool: 'gpu', zone: 'a' })
    const taint = { key: 'gpu', value: 'true', effect: 'NoSchedule' }
    assert.deepEqual(options.tolerations, [taint, { key: 'spot' }])
    assert.equal(options.namespace, 'kaos-{organisation}')
  })

  it('name the variable that cannot be read, and what it may be', () => {
    const wrong = {
      KAOS_KUBE_VOLUME: 'nfs',
      KAOS_KUBE_REACH: 'moon',
      KAOS_KUBE_NODE_SELECTOR: 'pool',
      KAOS_KUBE_NAMESPACE: 'Kaos!',
      KAOS_KUBE_REGISTRY: 'http://x/y',
    }
    for (const [name, value] of Object.entries(wrong)) {
      assert.throws(
        () => kubernetesOptions({ ...base, [name]: value }),
        (error: Error & { code: string }) =>
          error.code === 'CONFIGURATION' &&
          error.message.startsWith(`${name} is "${value}"; give `),
      )
    }
  })
})
