/* An order names files and folders. Whoever plays the server, they must not lead out of the places
 * that this host has for them. */
import type { WorkOrder } from '../../api/attempts.ts'
import { KaosError } from '../../api/errors.ts'
import { isId } from '../../api/ids.ts'
import { isEntryName } from '../../api/tree.ts'

const OUTPUT = /^[0-9a-f]{6}$/

/** BAD_REQUEST for an order whose names could be paths. */
export function requireOrder(order: WorkOrder): WorkOrder {
  const wrong = isId(order.attempt) ? namesIn(order.work).find(name => !isEntryName(name)) : ''
  if (wrong === undefined) return order
  const message = `the server sent an order that names ${JSON.stringify(wrong || order.attempt)}`
  throw new KaosError('BAD_REQUEST', `${message}; it is not carried out`)
}

function namesIn(work: WorkOrder['work']): string[] {
  if (work.kind !== 'trial') return []
  const { data, hyper, output } = work
  return [
    ...data.map(({ name }) => name),
    ...(hyper ? [hyper.hash, hyper.file] : []),
    OUTPUT.test(output) ? output : '..',
  ]
}
