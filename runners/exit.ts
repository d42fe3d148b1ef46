/* How a program ended, in words. */
import { constants } from 'node:os'
import type { Exit } from './runner.ts'
import type { Purpose } from './sandbox.ts'

/** What the engine tells of an ended container. */
export interface Ended {
  readonly exit: number
  readonly outOfMemory: boolean
  readonly startedAt: string
  readonly finishedAt: string
}

export interface Circumstances {
  readonly purpose: Purpose
  /** The limit, 0 if there was none. */
  readonly memoryBytes: number
  /** When a stop was asked for, if it was. */
  readonly stoppedAt?: string
  /** When the engine was first not reached, if that happened while the program ran. */
  readonly engineLostAt?: number
}

const MEBIBYTE = 1024 * 1024
/** What containers end with when their engine goes down: killed, ended, never heard of again. */
const ENGINE_ENDINGS = [137, 143, 255]
const ENGINE_MARGIN_MS = 30_000

/** The engine's times have as many digits as they need, so their texts do not sort. */
export function timeOf(text: string): string {
  return new Date(text).toISOString()
}

export function exitOf(ended: Ended, around: Circumstances): Exit {
  const { exit, startedAt, finishedAt } = ended
  const times = { startedAt, finishedAt }
  const what = around.purpose === 'train' ? 'the training' : 'the service'
  if (around.stoppedAt !== undefined && Date.parse(finishedAt) >= Date.parse(around.stoppedAt)) {
    return { state: 'stopped', exit, reason: `${what} was stopped`, ...times }
  }
  if (exit === 0) return { state: 'succeeded', exit, ...times }
  if (ended.outOfMemory) {
    const reason = `${what} ${memoryWords(around.memoryBytes)}`
    return { state: 'failed', exit, outOfMemory: true, reason, ...times }
  }
  if (isEnginesFault(ended, around)) {
    return { state: 'lost', exit, reason: `the engine ended ${what} as it went down`, ...times }
  }
  return { state: 'failed', exit, reason: `${what} ${endingWords(exit)}`, ...times }
}

function memoryWords(limit: number): string {
  const words = 'ran out of memory'
  if (limit === 0) return `${words} (the whole host had none left); give it a limit with --memory`
  return `${words} (limit ${Math.floor(limit / MEBIBYTE)} MiB); ask for more with --memory`
}

function endingWords(exit: number): string {
  if (exit === 126) return 'ended with exit code 126: a command could not be executed'
  if (exit === 127) return 'ended with exit code 127: a command was not found'
  const signal = Object.entries(constants.signals).find(([, number]) => number === exit - 128)?.[0]
  if (signal !== undefined) return `was ended by the signal ${signal} (exit code ${exit})`
  return `ended with exit code ${exit}`
}

function isEnginesFault({ exit, finishedAt }: Ended, { engineLostAt }: Circumstances): boolean {
  if (engineLostAt === undefined || !ENGINE_ENDINGS.includes(exit)) return false
  return Date.parse(finishedAt) >= engineLostAt - ENGINE_MARGIN_MS
}
