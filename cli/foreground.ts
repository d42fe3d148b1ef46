import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { HEAP_FLAGS } from '../api/heap.ts'
import { childEnvironment } from './config.ts'

/** Runs one of our programs as if it were this process: its terminal, its signals, its exit code. It is
 * given a group of its own, because Ctrl-C reaches a whole group: with what we hand on that would be
 * two signals, and the second means "at once". `env`: set in its environment. */
export function inForeground(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(process.execPath, [...HEAP_FLAGS, program, ...args], {
    stdio: 'inherit',
    detached: true,
    env: childEnvironment(env),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
