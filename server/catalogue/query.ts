/** What the catalogue's addresses take after the question mark. */
import Type from 'typebox'
import { KaosError } from '../../api/errors.ts'
import type { Sought } from './find.ts'

const LIMIT_DEFAULT = 100
export const LIMIT_MAX = 1000
export const LIMIT = Type.Optional(Type.Integer({ minimum: 1, maximum: LIMIT_MAX }))

export function limitOf(limit: number | undefined): number {
  return limit ?? LIMIT_DEFAULT
}

const KINDS = ['data', 'model', 'train-source', 'serve-source', 'artifact', 'image'] as const
export const ANY_KIND: readonly Sought[] = ['data', 'model', 'artifact', 'image']
/** One of them, or several with commas between. */
export const Kinds = Type.String({ maxLength: 100, description: KINDS.join(', ') })

export function kindsIn(text: string): Sought[] {
  return text.split(',').map(word => {
    const kind = KINDS.find(one => one === word)
    if (kind) return kind
    throw new KaosError('BAD_REQUEST', `there is no kind ${word}; give of ${KINDS.join(', ')}`)
  })
}
