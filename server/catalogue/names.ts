/* A folder's name as the name of a repository: in lower case, without accents, and what a repository
 * cannot hold becomes a dash. */
import { isRepository } from './pointers.ts'

const LENGTH_MAX = 120

/** `My Data (new)` is `my-data-new`; `other` when nothing is left. */
export function repositoryNamed(folder: string, other: string): string {
  const plain = folder.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const name = plain
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/[._-]{2,}/g, run => (run === '__' ? run : '-'))
    .slice(0, LENGTH_MAX)
    .replace(/^[._-]+|[._-]+$/g, '')
  return isRepository(name) ? name : other
}

/** The folder that content of a repository is laid out in: the last part of its name. */
export function folderOf(repository: string): string {
  return repository.slice(repository.lastIndexOf('/') + 1)
}
