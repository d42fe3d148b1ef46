/* One thing, named by an option or by a row of the last listing: one of the two, not both. */
import { KaosError } from '../api/errors.ts'
import { type Group, recall } from './caches.ts'

export interface Choice {
  /** The option that names it, as typed: `-j/--job_id`. */
  readonly option: string
  readonly name: string | undefined
  readonly ind: number | undefined
}

/** Refuses both (exit 2) and neither (exit 1), before anything else happens. */
export function checkChoice({ option, name, ind }: Choice): void {
  if (name !== undefined && ind !== undefined) {
    throw new KaosError('USAGE', `give either ${option} or -i/--ind, not both`)
  }
  if (name === undefined && ind === undefined) {
    throw new KaosError('BAD_REQUEST', `Missing either ${option} or -i/--ind as arguments`)
  }
}

/** The id that was meant. `workspace` when the listing was of one. */
export function chosen(
  choice: Choice,
  group: Group,
  folder: string | undefined,
  workspace?: string,
): string {
  checkChoice(choice)
  return choice.name ?? recall(folder, group, choice.ind ?? 0, workspace)
}

/** A name given as an option or as a bare word, whichever was used. */
export function oneName(option: string | undefined, word: string | undefined): string | undefined {
  if (option !== undefined && word !== undefined) {
    throw new KaosError('USAGE', `give one name, not both ${option} and ${word}`)
  }
  return option ?? word
}
