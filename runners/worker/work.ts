/* What the attempts of a worker share, and what the outcome of each kind is worked out with. */
import type { Address, Image, Reach, Report } from '../../api/attempts.ts'
import type { Channel, Outbox } from '../../api/transfer/send.ts'
import type { Runner } from '../runner.ts'
import type { AttemptFolder } from './attempt-folder.ts'
import type { Forwarder } from './forwarder.ts'
import type { JournalOutbox } from './journal-outbox.ts'
import type { Lease } from './lease.ts'
import type { LogOutbox } from './log-outbox.ts'
import type { Signer } from './signer.ts'
import type { Trees } from './trees.ts'

/** What a program gets to end by itself before it is killed. */
export const GRACE_MS = 5000

/** Tells the operator. `about`: what it is about, for programs that read it. */
export type Say = (text: string, about?: object) => void

/** What the attempts of a worker share. */
export interface Workplace {
  readonly runner: Runner
  readonly trees: Trees
  readonly signer: Signer
  /** Absent where the server reaches services by itself. */
  readonly forwarder?: Forwarder | undefined
  /** For the operator. */
  readonly say: Say
}

/** A report without its journals, which are stored last. */
export type Outcome = Omit<Report, 'log' | 'measurements' | 'metrics'>

/** What the outcome of each kind is worked out with. */
export interface Work {
  readonly runner: Runner
  readonly folder: AttemptFolder
  readonly lease: Lease
  readonly log: LogOutbox
  /** Of a training: a Measurement a line. */
  readonly measurements?: JournalOutbox
  /** Of a training: a MetricPoint a line. */
  readonly metrics?: JournalOutbox
  /** To the store; tries again until the attempt is not ours any more. */
  readonly channel: Channel
  /** What the outcome names and is small is sent together with the log. */
  readonly outbox: Outbox
  /** Whether an earlier life of the worker began this. */
  readonly resumed: boolean
  /** How the server reaches a service that listens here. */
  shown(address: Address): Reach
  /** A tree that the order names, on disk and read-only. */
  tree(digest: string): Promise<string>
  /** The OCI config of an image that the order names. */
  imageConfig(image: Image): Promise<string>
}
