import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node'
import { refusalOf } from '../../runners/kubernetes/ending.ts'
import { stateOf } from '../../runners/kubernetes/state.ts'

const AT = new Date('2026-11-21T00:38:54Z')

const pod = (status: V1PodStatus, metadata = {}): V1Pod => ({ metadata, status })
const scheduled = { type: 'PodScheduled', status: 'True' }
const status = (name: string, state: V1ContainerStatus['state'], more = {}): V1ContainerStatus => ({
  ...{ name, image: '', imageID: '', ready: false, restartCount: 0 },
  ...(state === undefined ? {} : { state }),
  ...more,
})
const ended = (exitCode: number, more = {}) => ({
  terminated: { exitCode, startedAt: AT, finishedAt: AT, ...more },
})

describe('what a pod is told of', () => {
  it('waits for room, with the reason of the scheduler', () => {
    const message = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.'
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }

    const state = stateOf(pod({ phase: 'Pending', conditions: [condition] }))

    assert.deepEqual(state, { is: 'waiting', why: `Unschedulable: ${message}`, stuck: false })
  })

  it('is stuck on an image that is not there', () => {
    const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image x' } }

    const state = stateOf(
      pod({ conditions: [scheduled], containerStatuses: [status('program', waiting)] }),
    )

    const why = 'ImagePullBackOff: Back-off pulling image x'
    assert.deepEqual(state, { is: 'waiting', why, stuck: true })
  })

  it('runs once the program runs, and has ended with its exit code', () => {
    const folder = status('folder', ended(0))
    const running = status('program', { running: { startedAt: AT } })
    const over = status('program', ended(7, { reason: 'Error' }))
    const around = { conditions: [scheduled], initContainerStatuses: [folder] }

    const first = stateOf(pod({ ...around, containerStatuses: [running] }))
    const second = stateOf(pod({ ...around, phase: 'Failed', containerStatuses: [over] }))

    assert.deepEqual(first, { is: 'running', startedAt: AT.toISOString() })
    assert.equal(second.is === 'ended' && second.end.exit, 7)
  })

  it('has ended at its first end, although the node starts it again', () => {
    const again = status(
      'program',
      { running: { startedAt: AT } },
      { restartCount: 1, lastState: ended(4) },
    )

    const state = stateOf(pod({ conditions: [scheduled], containerStatuses: [again] }))

    assert.equal(state.is === 'ended' && state.end.exit, 4)
  })

  it('was taken away, and its exit code is not its own, when its node was drained', () => {
    const target = {
      ...{ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI' },
      message: 'Eviction API: evicting',
    }
    const killed = status('program', ended(143))

    const state = stateOf(
      pod({ phase: 'Failed', conditions: [scheduled, target], containerStatuses: [killed] }),
    )

    const why = 'EvictionByEvictionAPI: Eviction API: evicting'
    assert.deepEqual(state, { is: 'taken', why })
  })

  it('says what a program lacks that cannot be started', () => {
    const end = (message: string, reason = 'StartError', isFolder = false) => ({
      ...{
        exit: 128,
        outOfMemory: false,
        startedAt: '',
        finishedAt: '',
        message,
        reason,
        isFolder,
      },
    })

    assert.match(
      refusalOf(end('stat ./train: no such file or directory'), 'train') ?? '',
      /no program/,
    )
    assert.match(refusalOf(end('exec: "./train": permission denied'), 'train') ?? '', /chmod/)
    assert.match(refusalOf(end('exec ./train: exec format error', 'Error'), 'train') ?? '', /#!/)
    assert.match(refusalOf(end('sh: not found', 'StartError', true), 'train') ?? '', /sh and cp/)
    assert.equal(refusalOf(end('ValueError', 'Error'), 'train'), undefined)
  })
})
