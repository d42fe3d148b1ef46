/* What every back end of the ledger must do. A back end's test calls this once. */
import { describe } from 'node:test'
import { commitCases } from './conformance/commits.ts'
import { erasureCases } from './conformance/erasures.ts'
import { lineageCases } from './conformance/lineage.ts'
import { proofCases } from './conformance/proofs.ts'
import { questionCases } from './conformance/questions.ts'
import { recordCases } from './conformance/records.ts'
import { refusalCases } from './conformance/refusals.ts'
import type { Open } from './stage.ts'

/** `open` opens the ledger that belongs to a folder: the same one each time. */
export function ledgerConformance(name: string, open: Open): void {
  describe(`Ledger: ${name}`, () => {
    commitCases(open)
    refusalCases(open)
    recordCases(open)
    questionCases(open)
    lineageCases(open)
    proofCases(open)
    erasureCases(open)
  })
}
