/* Who takes part: each keeps a folder's first version, its second, and gives a version back. A round
 * begins with nothing known of earlier rounds, on either side, so that nobody dedups against them. */
import type { Cost } from './costs.ts'

export type Version = 'v1' | 'v2'

/** One step of one round. What a contestant cannot see stays out. */
export interface Sample {
  readonly wallMs: number
  readonly clientCpuMs: number
  readonly serverCpuMs?: number
  readonly clientPeakBytes?: number
  /** Above what it had when it was idle. */
  readonly serverPeakBytes?: number
  /** Over the socket towards the server, headers included. */
  readonly wireBytes?: number
  /** What the store grew by. */
  readonly storedBytes?: number
}

export interface Place {
  /** Empty, gone after the round. */
  readonly folder: string
  /** Where the files are that a user works on. */
  readonly work: string
  /** Count what goes over the socket; the round is not timed then. */
  readonly counted: boolean
  /** Keep CPU profiles here, in such a round. */
  readonly profiles?: string | undefined
}

export interface Round {
  push(version: Version): Promise<Sample>
  /** Into a folder that is empty; as somebody who has nothing of it yet. */
  checkout?(version: Version, target: string): Promise<Sample>
  end(): Promise<void>
}

export interface Contestant {
  readonly name: string
  /** It changes the files it works on, so it gets a copy of its own. */
  readonly ownWork?: boolean
  /** Something can be counted on its socket. */
  readonly wired?: boolean
  begin(place: Place): Promise<Round>
}

export function sampleOf(cost: Cost): Sample {
  const { wallMs, clientCpuMs, clientPeakBytes } = cost
  // Too short to be looked at even once.
  if (clientPeakBytes === 0) return { wallMs, clientCpuMs }
  return { wallMs, clientCpuMs, clientPeakBytes }
}
