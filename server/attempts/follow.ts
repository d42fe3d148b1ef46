/* What follows from an outcome. It is taken up after the commit, and again at a start for whatever a
 * crash left waiting; doing it twice changes nothing. */

import { attemptEach, type Board } from '../jobs/board.ts'
import { recordsOf } from '../jobs/reading.ts'
import { settleBuilt } from '../serve/built.ts'
import { advance } from '../train/advance.ts'

export async function followTrial(board: Board, workspace: string, job: string): Promise<void> {
  await attemptEach(board, `training ${job} could not go on`, [job], id =>
    advance(board, workspace, id),
  )
}

/** A build or an ingestion has ended. */
export async function followBuild(board: Board, workspace: string, build: string): Promise<void> {
  const waits = recordsOf<{ workspace: string }>(board.parts.ledger, `waits/${build}/`)
  await attemptEach(board, `a training could not follow job ${build}`, waits, ({ key }) =>
    advance(board, workspace, key.slice(key.lastIndexOf('/') + 1)),
  )
  const endpoints = [...board.endpoints.values()].filter(one => one.buildJob === build)
  await attemptEach(board, `an endpoint could not follow build ${build}`, endpoints, ({ name }) =>
    settleBuilt(board, name),
  )
}
