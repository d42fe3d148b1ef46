import { type Digest, digestOf } from '../../../api/digest.ts'
import type { Store } from '../../../store/store.ts'

/** Where stores under test lie, and what a test needs beside them. */
export interface Bench {
  /** Opens the store; on a shared place another one over it, each time. */
  open(): Promise<Store>
  /** Changes a byte of this object wherever it is kept, if it is kept, while the store is open. */
  damage(digest: Digest): Promise<void>
  /** Takes everything away. */
  dispose(): Promise<void>
}

/** The bench and the store of the test that runs. */
export interface At {
  readonly bench: Bench
  readonly store: Store
}

export const abc = Buffer.from('abc')
export const missing = digestOf('nobody ever stored this')

/** Sorted. */
export async function digestsIn(store: Store): Promise<Digest[]> {
  return (await Array.fromAsync(store.list(), one => one.digest)).sort()
}

/** The objects that a check finds damaged. */
export async function damageFound(store: Store, from?: string): Promise<Digest[]> {
  const found: Digest[] = []
  for await (const one of store.check(from)) if (one.kind === 'damage') found.push(one.digest)
  return found
}

/** The store's own files that a check finds damaged. */
export async function filesFound(store: Store): Promise<string[]> {
  const found: string[] = []
  for await (const one of store.check()) if (one.kind === 'file') found.push(one.file)
  return found
}
