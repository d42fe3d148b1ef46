/* Where kaos lies and in which form: a clone runs its .ts files, a package the .js below dist/. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'

/** `.ts` in a clone, `.js` in a package. */
export const extension = extname(import.meta.filename)

/** The folder with package.json and templates/. */
export const packageRoot = rootAbove(import.meta.dirname)

/** A program of ours, named as in the clone without extension: `server/main`. */
export function programPath(name: string): string {
  return join(dirname(import.meta.dirname), `${name}${extension}`)
}

export function packageJson(): Record<string, unknown> & { name: string; version: string } {
  return JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
}

function rootAbove(start: string): string {
  for (let at = start; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json'))) return at
    if (at === dirname(at)) throw new Error(`there is no package.json above ${start}`)
  }
}
