/* What the cluster says of a pod, in one of five words, with the reason that a user can act on. */
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'
import { FOLDER, PROGRAM } from './pod.ts'

export interface Ended {
  readonly exit: number
  readonly outOfMemory: boolean
  readonly startedAt: string
  readonly finishedAt: string
  /** What the cluster or the program's last lines say. */
  readonly message: string
  /** `StartError`, `OOMKilled`, `Error`, `Completed`. */
  readonly reason: string
  /** Whether it was not the program, but what makes its folder writable before. */
  readonly isFolder: boolean
}

export type PodState =
  /** Not yet: why, in words. `stuck`: this does not pass by itself, such as an image that is not there. */
  | { readonly is: 'waiting'; readonly why: string; readonly stuck: boolean }
  | { readonly is: 'running'; readonly startedAt: string }
  | { readonly is: 'ended'; readonly end: Ended }
  /** The cluster took the pod away: drained, preempted, out of room, its node lost. */
  | { readonly is: 'taken'; readonly why: string }

const WORDS_MAX = 600
const STUCK = /^(ErrImage|ImagePullBackOff|InvalidImageName|Create\w*Error|RunContainerError)/

export function stateOf(pod: V1Pod): PodState {
  const status = pod.status ?? {}
  const program = status.containerStatuses?.find(one => one.name === PROGRAM)
  const folder = status.initContainerStatuses?.find(one => one.name === FOLDER)
  const taken = takenBecause(pod)
  for (const one of [folder, program]) {
    const end = one && endOf(one)
    if (!end || (one === folder && end.exit === 0)) continue
    // Whoever takes a pod away ends what is in it: its exit code is not the program's.
    return taken !== undefined && end.exit !== 0
      ? { is: 'taken', why: taken }
      : { is: 'ended', end }
  }
  if (taken !== undefined && status.phase === 'Failed') return { is: 'taken', why: taken }
  const running = program?.state?.running
  if (running) {
    return { is: 'running', startedAt: timeOf(running.startedAt) }
  }
  return waitingOf(pod, folder, program)
}

/** Why the cluster takes the pod away, if it does. */
function takenBecause({ metadata, status }: V1Pod): string | undefined {
  const target = status?.conditions?.find(one => {
    return one.type === 'DisruptionTarget' && one.status === 'True'
  })
  if (target) return words(target.reason, target.message)
  if (status?.reason === 'Evicted' || status?.reason === 'NodeLost') {
    return words(status.reason, status.message)
  }
  if (metadata?.deletionTimestamp) return 'somebody deleted its pod'
  // A node that has no room after all (OutOfcpu …), or an order that the node refuses.
  return status?.phase === 'Failed' && status.reason
    ? words(status.reason, status.message)
    : undefined
}

/** The first end of a container: one that is started again after it has ended once. */
function endOf(status: V1ContainerStatus): Ended | undefined {
  const found = status.lastState?.terminated ?? status.state?.terminated
  if (!found) return undefined
  return {
    exit: found.exitCode,
    outOfMemory: found.reason === 'OOMKilled',
    startedAt: timeOf(found.startedAt),
    finishedAt: timeOf(found.finishedAt),
    message: (found.message ?? '').trim(),
    reason: found.reason ?? '',
    isFolder: status.name === FOLDER,
  }
}

function waitingOf(
  { status }: V1Pod,
  folder: V1ContainerStatus | undefined,
  program: V1ContainerStatus | undefined,
): PodState {
  const scheduled = status?.conditions?.find(one => one.type === 'PodScheduled')
  if (scheduled?.status === 'False') {
    return { is: 'waiting', why: words(scheduled.reason, scheduled.message), stuck: false }
  }
  if (!scheduled) return { is: 'waiting', why: 'it waits for the scheduler', stuck: false }
  for (const one of [folder, program]) {
    const waiting = one?.state?.waiting
    if (waiting?.reason && STUCK.test(waiting.reason)) {
      return { is: 'waiting', why: words(waiting.reason, waiting.message), stuck: true }
    }
  }
  return { is: 'waiting', why: 'the node prepares it and fetches its image', stuck: false }
}

export function words(reason: string | undefined, message: string | undefined): string {
  const all = [reason, message?.replace(/\s+/g, ' ').trim()].filter(Boolean).join(': ')
  return (all || 'nobody says why').slice(0, WORDS_MAX)
}

/** The API's times have no parts of a second; a container that never ran has none at all. */
function timeOf(at: Date | string | undefined): string {
  const time = at === undefined ? new Date() : new Date(at)
  return (time.getTime() > 0 ? time : new Date()).toISOString()
}
