/* Questions to the person at the terminal. They go to stderr, so stdout stays clean; an answer may
 * also come from a pipe (`yes | kaos …`), and no answer at all is "no". */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { KaosError } from '../api/errors.ts'

/** `[y/N]`, default no. */
export async function confirm(question: string): Promise<boolean> {
  const answer = await ask(`${question} [y/N]: `, process.stderr)
  return /^y(es)?$/i.test(answer?.trim() ?? '')
}

/** Asks without showing what is typed. */
export async function askHidden(question: string): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const answer = await ask(question, nowhere)
  process.stderr.write('\n')
  if (answer === undefined || answer.trim() === '') {
    const next = 'give it with -t, or ask the administrator for one'
    throw new KaosError('USAGE', `a token is needed; ${next}`)
  }
  return answer.trim()
}

/** Lines that come through a pipe; shared, since one question must not swallow the next one's answer. */
let piped: AsyncIterator<string> | undefined

/** `echo` shows what is typed. */
async function ask(question: string, echo: NodeJS.WritableStream): Promise<string | undefined> {
  if (process.stdin.isTTY === true) return askTerminal(question, echo)
  process.stderr.write(question)
  piped ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const { value, done } = await piped.next()
  return done === true ? undefined : value
}

function askTerminal(question: string, echo: NodeJS.WritableStream): Promise<string | undefined> {
  // Made before the question is shown: from here on the terminal itself echoes nothing.
  const lines = createInterface({ input: process.stdin, output: echo, terminal: true })
  if (echo !== process.stderr) process.stderr.write(question)
  return new Promise(resolve => {
    lines.once('SIGINT', () => {
      process.stderr.write('\n')
      process.exit(130)
    })
    lines.once('close', () => resolve(undefined))
    lines.question(echo === process.stderr ? question : '', answer => {
      resolve(answer)
      lines.close()
    })
  })
}
