/* The thread for questions that may take long. It has its own connection, which only reads; each
 * question sees one moment of the ledger, whatever is written meanwhile. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Code } from '../../api/errors.ts'
import type { LineageQuery } from '../ledger.ts'
import { ledgerError, openDatabase } from './database.ts'
import { lineageOf } from './lineage.ts'
import { findDifferences } from './verify.ts'

export type Question =
  | { readonly ask: 'lineage'; readonly id: string; readonly query: LineageQuery }
  | { readonly ask: 'verify' }

export interface Asked {
  readonly number: number
  readonly question: Question
}

/** A KaosError as it passes between threads. */
export interface Failure {
  readonly code: Code
  readonly message: string
  readonly cause: unknown
}

/** A part comes before the answer, any number of times. */
export type Answer =
  | { readonly number: number; readonly part: unknown }
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly failure: Failure }

const database = openDatabase(workerData as string, { readOnly: true })

parentPort?.on('message', ({ number, question }: Asked) => {
  tell(answerTo(number, question))
})

function tell(answer: Answer): void {
  parentPort?.postMessage(answer)
}

function answerTo(number: number, question: Question): Answer {
  try {
    database.sql('BEGIN').run()
    return { number, answer: find(question, part => tell({ number, part })) }
  } catch (error) {
    const { code, message, cause } = ledgerError(error)
    return { number, failure: { code, message, cause } }
  } finally {
    if (database.inTransaction) database.sql('ROLLBACK').run()
  }
}

function find(question: Question, part: (part: unknown) => void): unknown {
  switch (question.ask) {
    case 'lineage': {
      const parts = lineageOf(database, question.id, question.query)
      for (let next = parts.next(); ; next = parts.next()) {
        if (next.done) return next.value
        part(next.value)
      }
    }
    case 'verify':
      return findDifferences(database)
  }
}
