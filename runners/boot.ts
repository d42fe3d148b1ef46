/* Which start of this host this is. What was written and not synced may have holes after another one, and
 * no process lives from one to the next. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

let known: string | undefined

/** An id of the kernel's; undefined where it gives none. */
export function bootId(): string | undefined {
  known ??= ofLinux() ?? ofMac()
  return known
}

function ofLinux(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined
  }
}

function ofMac(): string | undefined {
  if (process.platform !== 'darwin') return undefined
  const asked = ['-n', 'kern.bootsessionuuid']
  return execFileSync('/usr/sbin/sysctl', asked, { encoding: 'utf8' }).trim()
}
