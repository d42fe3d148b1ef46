/* What a person types to name a thing, taken apart. Which of the readings is meant is decided by what
 * there is (find.ts).
 *
 *   features              the newest version
 *   features@v3           the tag of that name, else the version of that number
 *   features:clean        the tag, else the short id (features:e23a2)
 *   features@sha256:…     a version by the digest of its tree or of its OCI manifest
 *   sha256:…, 32 hex      anything of the workspace by digest, an entity by its id
 *   kit://features:v3#a   the same with kit:// in front; after # a part of a ModelKit
 *   kit://host/mnist/x:v1 as kit and docker write it, with the workspace in front; the host may be
 *                         left out */
import { KaosError } from '../../api/errors.ts'
import { isRepository, isTag } from './pointers.ts'

export interface Reference {
  /** Without kit:// and what is before the repository. */
  readonly text: string
  /** Of a ModelKit: the part that is meant. */
  readonly part: string | undefined
  /** When the text can be read as a place in a repository. */
  readonly place: Place | undefined
}

interface Place {
  readonly repository: string
  readonly sign?: '@' | ':'
  /** What comes after it; absent: the newest version. */
  readonly tag?: string
  /** The number that the tag stands for, if there is no such tag. */
  readonly number?: number
  /** Or the beginning of the tree's digest. */
  readonly digits?: string
  /** `algorithm:hex` */
  readonly digest?: string
}

const KIT = 'kit://'
export const OCI_DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/
const DIGITS = /^[0-9a-f]{5,64}$/

/** `workspace`: the name of the one it is looked for in. */
export function parseReference(typed: string, workspace: string): Reference {
  const hash = typed.indexOf('#')
  const part = hash === -1 ? undefined : typed.slice(hash + 1)
  const whole = hash === -1 ? typed : typed.slice(0, hash)
  const isKit = whole.startsWith(KIT)
  const own = isKit ? withinWorkspace(whole.slice(KIT.length), workspace) : whole
  const text = own.replace(/^\//, '')
  return { text, part, place: placeIn(text) }
}

function placeIn(text: string): Place | undefined {
  const match = /^(?<name>[^@:]+)(?:(?<sign>[@:])(?<rest>.+))?$/s.exec(text)
  const { name = '', sign, rest } = match?.groups ?? {}
  if (!isRepository(name)) return undefined
  if (rest === undefined) return { repository: name }
  if (sign === '@' && OCI_DIGEST.test(rest)) return { repository: name, digest: rest }
  // repository:tag@digest, as registries are asked: the digest alone counts.
  const digest = sign === ':' ? /@(.+)$/s.exec(rest)?.[1] : undefined
  if (digest !== undefined && OCI_DIGEST.test(digest)) return { repository: name, digest }
  if (!isTag(rest)) return undefined
  const number = /^v?([1-9]\d{0,7})$/.exec(rest)?.[1]
  return {
    repository: name,
    sign: sign === '@' ? '@' : ':',
    tag: rest,
    ...(number !== undefined && { number: Number(number) }),
    ...(DIGITS.test(rest) && { digits: rest }),
  }
}

/** Without the workspace, and the host before it. */
function withinWorkspace(address: string, workspace: string): string {
  const [host = '', first = '', ...rest] = address.split('/')
  if (host === workspace && first !== '') return [first, ...rest].join('/')
  const isHost = /[.:]/.test(host) || host === 'localhost'
  if (!isHost || first === '' || rest.length === 0) return address
  if (first === workspace) return rest.join('/')
  const message = `${KIT}${address} names workspace ${first}, this is ${workspace}`
  throw new KaosError('BAD_REQUEST', `${message}; select it with: kaos workspace set -n ${first}`)
}
