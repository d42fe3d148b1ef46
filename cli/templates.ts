/* The templates that come with the program. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { KaosError } from '../api/errors.ts'
import { packageRoot } from './package-root.ts'

export interface Template {
  readonly name: string
  readonly description: string
  readonly input_type: string
}

const shelf = join(packageRoot, 'templates')

export function readTemplates(): Template[] {
  const file = join(shelf, 'index.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new KaosError('NOT_FOUND', `the templates of this installation are missing (${file})`, {
      cause,
    })
  }
}

/** Copies a template there, in place of what is there. In a clone it may be there already. */
export function copyTemplate(name: string, target: string): void {
  const source = join(shelf, name)
  if (existsSync(target) && realpathSync(target) === realpathSync(source)) return
  const part = `${target}.${process.pid}.part`
  mkdirSync(dirname(target), { recursive: true })
  try {
    cpSync(source, part, { recursive: true })
    rmSync(target, { recursive: true, force: true })
    renameSync(part, target)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
