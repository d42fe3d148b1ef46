import { existsSync, readFileSync } from 'node:fs'

let version: string | undefined

/** Version of the package this file is part of, in its source tree and as it is published. */
export function versionOf(): string {
  if (version !== undefined) return version
  const here = ['../package.json', '../../package.json'].map(path => new URL(path, import.meta.url))
  const found = here.find(url => existsSync(url))
  const read = found ? JSON.parse(readFileSync(found, 'utf8')) : {}
  return (version = String(read.version ?? 'unknown'))
}
