/* Long results go through a pager, but only on a terminal. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { environment } from './config.ts'

const ROWS = 30

/** Writes to stdout; through `$PAGER` when stdout is a terminal and the text has more than 30 rows. */
export async function page(text: string): Promise<void> {
  const whole = text.endsWith('\n') ? text : `${text}\n`
  if (process.stdout.isTTY !== true || whole.split('\n').length <= ROWS + 1) {
    process.stdout.write(whole)
    return
  }
  const pager = spawn(environment().pager, { shell: true, stdio: ['pipe', 'inherit', 'inherit'] })
  pager.stdin.on('error', () => undefined) // left before the end
  pager.stdin.end(whole)
  const [code] = await once(pager, 'close')
  if (code === 127) process.stdout.write(whole)
}
