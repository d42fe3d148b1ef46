/* Programs of ours that work on what lies on this host and say in lines of JSON how far they are. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Code, KaosError } from '../api/errors.ts'
import { HEAP_FLAGS } from '../api/heap.ts'
import { childEnvironment } from './config.ts'

interface Line<T> {
  readonly note?: string
  readonly result?: T
  readonly error?: { code: Code; message: string; detail: Record<string, unknown> }
}

interface Options {
  /** File with certificates to trust. */
  readonly ca?: string | undefined
  /** Hears how far it is. */
  tell(text: string): void
}

/** Gives the program its order and answers its result; throws the error that it says. */
export async function resultOf<T>(
  program: string,
  order: object,
  { ca, tell }: Options,
): Promise<T> {
  const child = spawn(process.execPath, [...HEAP_FLAGS, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: childEnvironment(ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: ca }),
  })
  const gone = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => resolve())
  })
  child.stdin.end(JSON.stringify(order))
  let last: Line<T> = {}
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line<T>
    if (line.note === undefined) last = line
    else tell(line.note)
  }
  await gone
  if (last.result !== undefined) return last.result
  const {
    code = 'INTERNAL',
    message = 'the program ended without an answer',
    detail = {},
  } = last.error ?? {}
  throw new KaosError(code, message, { detail })
}
