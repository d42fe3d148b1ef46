/* The program of an attempt: a copy of its own, since original programs write beside themselves, and
 * the command that starts it. */

import { chmodSync, closeSync, existsSync, openSync, readSync, statSync } from 'node:fs'
import { constants, copyFile, mkdir, readdir, readlink, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Contract of the original: `./train` and `./serve` need a `#!` line. */
export type Command = { readonly argv: readonly string[] } | { readonly reason: string }

const PYTHON = /^python(\d+(\.\d+)?)?$/
const HEAD_BYTES = 512
const ELF = '\x7fELF'

/** Copies a folder; what is read-only in the cache is writable in the copy. */
export async function copyFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o755 })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name)
    const to = join(target, entry.name)
    if (entry.isDirectory()) await copyFolder(from, to)
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
    else await copyOne(from, to)
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  chmodSync(to, (statSync(to).mode & 0o777) | 0o200)
}

/** How `./train` or `./serve` in this folder is started; makes it executable. A `#!` line that names
 * a Python by its path gets `python`, which has the bundle's packages. */
export function commandOf(folder: string, name: string, python: string): Command {
  const path = join(folder, name)
  const head = headOf(path)
  if (head === undefined) {
    return { reason: `the program ./${name} is missing: put it into model/ beside the Dockerfile` }
  }
  chmodSync(path, 0o755)
  const direct = { argv: [`./${name}`] }
  if (head.startsWith(ELF)) return direct
  if (!head.startsWith('#!')) {
    return {
      reason: `./${name} has no #! line: its first line must name what runs it, as #!/usr/bin/env python3 does`,
    }
  }
  const line = head.slice(2).split('\n')[0] ?? ''
  if (line.endsWith('\r')) {
    return { reason: `the #! line of ./${name} ends as Windows ends lines: save it with \\n alone` }
  }
  const [interpreter = '', ...parameters] = line.trim().split(/\s+/)
  if (PYTHON.test(basename(interpreter))) return { argv: [python, ...parameters, `./${name}`] }
  if (interpreter.startsWith('/opt/program/') || existsSync(interpreter)) return direct
  return { reason: `the #! line of ./${name} names ${interpreter}, which this host does not have` }
}

function headOf(path: string): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    return head.toString('latin1', 0, readSync(file, head, 0, HEAD_BYTES, 0))
  } finally {
    closeSync(file)
  }
}

/** Shows data where there is no private view: folders of its own, in which each file is a link. */
export async function linkFolder(source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o755 })
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const from = join(source, entry.name)
    const to = join(target, entry.name)
    if (entry.isDirectory()) await linkFolder(from, to)
    else await symlink(from, to)
  }
}
