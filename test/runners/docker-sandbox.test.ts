import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { digestOf } from '../../api/digest.ts'
import type { ImageInfo } from '../../runners/docker/images.ts'
import { isRootIn, whyNotRunnable } from '../../runners/docker/program.ts'
import { containerOf, type Devices } from '../../runners/docker/sandbox.ts'
import { measurementOf } from '../../runners/docker/stats.ts'
import { exitOf } from '../../runners/exit.ts'
import type { TrialOrder } from '../../runners/runner.ts'
import { sandboxOf } from '../../runners/sandbox.ts'

const MEBIBYTE = 1024 * 1024
const times = { startedAt: '2026-01-01T00:00:00.000Z', finishedAt: '2026-01-01T01:00:00.000Z' }

const gpu = (index: string) => ({ index, uuid: `GPU-${index}`, model: 'NVIDIA H100' })

function orderOf(more: Partial<TrialOrder> = {}, labels: Record<string, string> = {}): TrialOrder {
  const tree = digestOf('')
  return {
    image: { name: 'i', kind: 'oci', tree, program: tree, labels },
    layout: async () => '/layout',
    program: '/p',
    resources: {},
    env: { A: '1' },
    data: [{ name: 'features:9fd9d', path: '/data:1' }],
    hyper: '/h',
    out: '/o',
    output: 'b82151',
    ...more,
  }
}

function boxOf(order: TrialOrder, config: object = {}, devices?: Devices) {
  const info = { Config: config } as unknown as ImageInfo
  const sandbox = sandboxOf(info.Config, order, 'train')
  return containerOf({
    attempt: 'a'.repeat(32),
    image: 'sha256:1',
    purpose: 'train',
    order,
    sandbox,
    ...(devices === undefined ? {} : { devices }),
  })
}

describe('the way in to a service', () => {
  const order = orderOf()
  const made = (network?: string) =>
    containerOf({
      attempt: 'a'.repeat(32),
      image: 'sha256:1',
      purpose: 'serve',
      order,
      sandbox: sandboxOf({}, order, 'serve'),
      network,
    }).HostConfig

  it('is a port of loopback, or the network that its worker shares with it and no port', () => {
    assert.partialDeepStrictEqual(made(), {
      NetworkMode: 'bridge',
      PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    })
    assert.equal(made('kaos_endpoints')?.NetworkMode, 'kaos_endpoints')
    assert.equal(made('kaos_endpoints')?.PortBindings, undefined)
  })
})

describe('what the engine is asked for', () => {
  it('is exactly this for a training that declares nothing', () => {
    const resources = { cpu: 1.5, memoryBytes: 1024 * MEBIBYTE }

    const { HostConfig, ...rest } = boxOf(orderOf({ resources }), { Entrypoint: ['x'] })

    assert.deepEqual(rest, {
      name: `kaos-${'a'.repeat(32)}`,
      Image: 'sha256:1',
      Entrypoint: ['./train', '/pfs/out/b82151'],
      Cmd: [],
      WorkingDir: '/opt/program',
      User: '65534:65534',
      Env: ['HOME=/tmp', 'A=1', 'KAOS_METRICS=/pfs/out/b82151/metrics/metrics.jsonl'],
      Healthcheck: { Test: ['NONE'] },
      Labels: { 'kaos.attempt': 'a'.repeat(32), 'kaos.purpose': 'train', 'kaos.gpus': '' },
    })
    const { Mounts, Tmpfs, ...host } = HostConfig ?? {}
    assert.deepEqual(host, {
      NetworkMode: 'none',
      NanoCpus: 1.5e9,
      Memory: 1024 * MEBIBYTE,
      MemorySwap: 1024 * MEBIBYTE,
      PidsLimit: 4096,
      Init: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      IpcMode: 'private',
      ShmSize: 512 * MEBIBYTE,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '400m', 'max-file': '1' } },
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    })
    assert.deepEqual(
      Mounts?.map(({ Source, Target, ReadOnly }) => [Source, Target, ReadOnly]),
      [
        ['/data:1', '/pfs/data/features:9fd9d', true],
        ['/h', '/pfs/hyper', true],
        ['/o', '/pfs/out', false],
      ],
    )
    for (const options of Object.values(Tmpfs ?? {}))
      assert.match(options, /nosuid,nodev.*size=\d+/)
  })

  it('keeps the user of the image, unless that is root', () => {
    const users = [
      'app',
      '1000',
      '1000:0',
      'rooted',
      'root',
      '0',
      '00',
      '+0:0',
      '-0',
      'root:root',
      '0:0',
      '',
      undefined,
    ]

    const asked = users.map(User => boxOf(orderOf(), { User }).User)

    const nobody = '65534:65534'
    assert.deepEqual(asked, ['app', '1000', '1000:0', 'rooted', ...Array(9).fill(nobody)])
  })

  it('knows root under another name', () => {
    const passwd = [
      'root:x:0:0:root:/root:/bin/sh',
      'toor:x:0:0::/:/bin/sh',
      'zero:x:000:1::/:/bin/sh',
      'word:x:one:1::/:/bin/sh',
      'cut:x',
      'app:x:1000:1000::/:/bin/sh',
      'app:x:0:0::/:/bin/sh',
    ].join('\n')
    const names = ['root', 'toor', 'zero', 'word', 'cut', 'app', 'absent']

    const roots = names.filter(name => isRootIn(passwd, name))

    assert.deepEqual(roots, ['root', 'toor', 'zero', 'word', 'cut'])
  })

  it('is wider only where a label declares it', () => {
    const closed = boxOf(orderOf({}, { 'kaos.network': 'yes', 'kaos.user': 'app' }))
    const wide = boxOf(orderOf({}, { 'kaos.network': 'on', 'kaos.user': 'root' }))

    assert.equal(closed.HostConfig?.NetworkMode, 'none')
    assert.equal(closed.User, '65534:65534')
    assert.equal(closed.HostConfig?.CapAdd, undefined)
    assert.equal(wide.HostConfig?.NetworkMode, 'bridge')
    assert.equal(wide.User, '0:0')
    assert.deepEqual(wide.HostConfig?.CapDrop, ['ALL'])
    assert.deepEqual(wide.HostConfig?.SecurityOpt, ['no-new-privileges:true'])
    assert.equal(wide.HostConfig?.Privileged, undefined)
  })

  it('names the GPUs, or counts them where they are not known', () => {
    const two = orderOf({ resources: { gpu: 2 } })
    const given = [gpu('1'), gpu('3')]

    const counted = boxOf(two)
    const named = boxOf(two, {}, { driver: 'nvidia', given })
    const cdi = boxOf(two, {}, { driver: 'cdi', given })

    assert.deepEqual(counted.HostConfig?.DeviceRequests, [
      { Driver: 'nvidia', Capabilities: [['gpu']], Count: 2 },
    ])
    assert.deepEqual(named.HostConfig?.DeviceRequests, [
      { Driver: 'nvidia', Capabilities: [['gpu']], DeviceIDs: ['GPU-1', 'GPU-3'] },
    ])
    assert.equal(named.Labels?.['kaos.gpus'], '1,3')
    assert.deepEqual(cdi.HostConfig?.DeviceRequests, [
      { Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=1', 'nvidia.com/gpu=3'] },
    ])
  })

  it('shows no GPU to a program that asked for none', () => {
    const none = orderOf({ resources: { gpu: 0 } })

    const box = boxOf(none, {}, { driver: 'nvidia', given: [] })

    assert.equal(box.HostConfig?.DeviceRequests, undefined)
    assert.ok(box.Env?.includes('NVIDIA_VISIBLE_DEVICES=void'))
    assert.ok(!boxOf(none).Env?.some(one => one.startsWith('NVIDIA')))
  })
})

describe('how a program ended', () => {
  const around = { purpose: 'train', memoryBytes: 0 } as const
  const ended = (exit: number, outOfMemory = false) => ({ exit, outOfMemory, ...times })

  it('is a success with 0, also when a child ran out of memory', () => {
    assert.equal(exitOf(ended(0, true), around).state, 'succeeded')
  })

  it('is told in words', () => {
    const codes = [1, 126, 127, 139]

    const reasons = codes.map(code => exitOf(ended(code), around).reason)

    assert.deepEqual(reasons, [
      'the training ended with exit code 1',
      'the training ended with exit code 126: a command could not be executed',
      'the training ended with exit code 127: a command was not found',
      'the training was ended by the signal SIGSEGV (exit code 139)',
    ])
  })

  it('is stopped only if the end came after the stop', () => {
    const before = { ...around, stoppedAt: '2026-01-01T00:59:59.000Z' }
    const after = { ...around, stoppedAt: '2026-01-01T01:00:01.000Z' }

    assert.equal(exitOf(ended(143), before).state, 'stopped')
    assert.equal(exitOf(ended(1), after).state, 'failed')
  })

  it('is the engine’s fault when it went down and took the program with it', () => {
    const away = { ...around, engineLostAt: Date.parse(times.finishedAt) }
    const longBefore = { ...around, engineLostAt: Date.parse(times.finishedAt) + 3_600_000 }

    assert.equal(exitOf(ended(137), away).state, 'lost')
    assert.equal(exitOf(ended(1), away).state, 'failed')
    assert.equal(exitOf(ended(137), longBefore).state, 'failed')
  })
})

describe('a program', () => {
  it('is a binary, or begins with a #! line that a Unix kernel can read', () => {
    const head = (text: string) => whyNotRunnable(Buffer.from(text, 'latin1'), './train')

    assert.equal(head('#!/bin/sh\n'), undefined)
    assert.equal(head('\x7fELF\x02'), undefined)
    assert.match(head('import os\n') ?? '', /#! line/)
    assert.match(head('') ?? '', /#! line/)
    assert.match(head('#!/bin/sh\r\n') ?? '', /carriage return/)
  })
})

describe('a measurement', () => {
  it('leaves out files in the cache, in both forms that kernels report', () => {
    const stats = (detail: object) =>
      measurementOf({
        read: '2026-01-01T00:00:00.5Z',
        cpu_stats: { cpu_usage: { total_usage: 2.5e9 } },
        memory_stats: { usage: 1000, stats: detail },
      } as never)

    assert.deepEqual(stats({ total_inactive_file: 300 }), {
      at: '2026-01-01T00:00:00.500Z',
      cpuSeconds: 2.5,
      memoryBytes: 700,
    })
    assert.equal(stats({ inactive_file: 400 })?.memoryBytes, 600)
    assert.equal(stats({})?.memoryBytes, 1000)
  })

  it('counts disks and networks where the engine tells of them', () => {
    const stats = (more: object) =>
      measurementOf({
        read: '2026-01-01T00:00:00.5Z',
        cpu_stats: { cpu_usage: { total_usage: 2.5e9 } },
        memory_stats: { usage: 1000 },
        ...more,
      } as never)
    const disk = (op: string, value: number) => ({ major: 8, minor: 0, op, value })
    const entries = [disk('Read', 5), disk('Write', 7), disk('read', 1), disk('Total', 13)]

    const whole = stats({
      blkio_stats: { io_service_bytes_recursive: entries },
      networks: { eth0: { rx_bytes: 10, tx_bytes: 20 }, eth1: { rx_bytes: 1, tx_bytes: 2 } },
    })
    const bare = stats({ blkio_stats: { io_service_bytes_recursive: null } })

    assert.equal(whole?.readBytes, 6)
    assert.equal(whole?.writtenBytes, 7)
    assert.equal(whole?.receivedBytes, 11)
    assert.equal(whole?.sentBytes, 22)
    assert.deepEqual(Object.keys(bare!), ['at', 'cpuSeconds', 'memoryBytes'])
  })

  it('is nothing when the container does not run', () => {
    const none = { read: '0001-01-01T00:00:00Z', cpu_stats: { cpu_usage: { total_usage: 0 } } }

    assert.equal(measurementOf({ ...none, memory_stats: {} } as never), undefined)
  })
})
