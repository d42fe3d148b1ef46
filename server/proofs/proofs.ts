/* The log as others check it: signed checkpoints and the proofs between them. */
import { originOf, signedCheckpoint } from '../../api/checkpoint.ts'
import { KaosError } from '../../api/errors.ts'
import type { CheckpointView, ConsistencyView, InclusionView } from '../../api/wire.ts'
import type { Head, Ledger } from '../../graph/ledger.ts'
import { openProofs, type Proofs } from '../../graph/proofs.ts'
import type { Keys } from './keys.ts'

export interface LedgerProofs {
  /** Of the log as it stands, signed now. */
  checkpoint(): Promise<CheckpointView>
  /** The same of this head, which the caller has read in the ledger or in a copy of it. */
  signed(head: Head): Promise<CheckpointView>
  /** BAD_REQUEST beyond the log. */
  inclusion(seq: number, size: number | undefined): Promise<InclusionView>
  consistency(first: number, second: number | undefined): Promise<ConsistencyView>
}

export function openLedgerProofs(ledger: Ledger, keys: Keys, now: () => number): LedgerProofs {
  const proofs = openProofs(ledger)
  const origin = originOf(ledger.id)
  let last: CheckpointView | undefined

  async function signed({ size, root }: Head): Promise<CheckpointView> {
    const { kid, privateKey, publicKey } = await keys.current()
    if (last?.size === size && last.root === root && last.kid === kid) return last
    const at = new Date(now()).toISOString()
    const note = signedCheckpoint(
      { origin, size, root, at },
      { name: origin, privateKey, publicKey },
    )
    last = { origin, size, root, at, kid, note }
    return last
  }

  return {
    checkpoint: async () => signed(await ledger.head()),
    signed,
    inclusion: (seq, size) =>
      within(async () => {
        const among = size ?? (await ledger.head()).size
        const proof = await proofs.inclusion(seq, among)
        const [entry] = await ledger.log(seq, 1, { leaves: true })
        return { seq, size: among, leaf: entry!.leaf, ...(await rooted(proofs, among, proof)) }
      }),
    consistency: (first, second) =>
      within(async () => {
        const among = second ?? (await ledger.head()).size
        const proof = await proofs.consistency(first, among)
        return { first, second: among, ...(await rooted(proofs, among, proof)) }
      }),
  }
}

async function rooted(proofs: Proofs, size: number, proof: readonly Buffer[]) {
  const root = (await proofs.root(size)).toString('hex')
  return { root, proof: proof.map(hash => hash.toString('hex')) }
}

async function within<T>(prove: () => Promise<T>): Promise<T> {
  try {
    return await prove()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new KaosError('BAD_REQUEST', error.message, { cause: error })
  }
}
