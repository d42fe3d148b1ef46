/* Programs of others that tests run, in a home of their own, so that nothing of the user's counts. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { tempFolder } from './open.ts'

const execute = promisify(execFile)
const OUTPUT_MAX = 16 * 1024 * 1024

export interface Ran {
  readonly code: number
  /** Both of its outputs. */
  readonly text: string
}

export interface Program {
  /** Runs it in a folder; fails the test when it fails. */
  run(folder: string, ...args: string[]): Promise<string>
  /** Runs it, whatever comes of it. */
  attempt(folder: string, ...args: string[]): Promise<Ran>
}

/** A variable that the tests of services must have: without it they fail. */
export function needed(name: string): string {
  return process.env[name] || assert.fail(`${name} is not set: it must name a program for tests`)
}

export async function program(
  t: TestContext,
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const home = await tempFolder(t)
  const own = {
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    HOME: home,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_CACHE_HOME: `${home}/cache`,
    XDG_DATA_HOME: `${home}/data`,
    ...env,
  }

  async function attempt(folder: string, ...args: string[]): Promise<Ran> {
    const options = { cwd: folder, env: own, maxBuffer: OUTPUT_MAX }
    try {
      const { stdout, stderr } = await execute(file, args, options)
      return { code: 0, text: stdout + stderr }
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as Record<string, string | number>
      if (typeof code !== 'number') throw error
      return { code, text: `${stdout}${stderr}` }
    }
  }

  return {
    attempt,
    async run(folder, ...args) {
      const { code, text } = await attempt(folder, ...args)
      assert.equal(code, 0, `${file} ${args.join(' ')}\n${text}`)
      return text
    },
  }
}
