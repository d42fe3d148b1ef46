/* What lies in a remote without being in a version: files that no folder names, objects of Git LFS.
 * When nothing came for a while, all of a repository's become one version of it, a folder in which
 * each is called what the tool calls it. So nothing that was brought is out of sight. */
import { isKaosError } from '../../api/errors.ts'
import { type Held, recordsOf, same } from '../jobs/reading.ts'
import type { Rooms } from '../rooms.ts'
import type { Arrivals } from './arrivals.ts'
import { type Collecting, looseIn, makeLooseVersion } from './loose.ts'
import { keyOf, type Remote, type RemoteKind, remoteIn } from './objects.ts'

/** A remote to which nothing came for so long is quiet: a push is over, or stuck. */
export const QUIET_MS = 30_000
const EVERY_MS = 10_000

export interface Settling {
  /** Looks once at every remote that is quiet. */
  settle(): Promise<void>
  /** Looks now, and from now on from time to time. */
  start(): void
  /** Waits for a look that is under way, and starts no other. */
  close(): Promise<void>
}

interface Options extends Collecting {
  readonly parts: Rooms
  readonly kind: RemoteKind
  readonly arrivals: Arrivals
  /** Makes what the tool itself names into versions, before the rest. */
  readonly before?: (remote: Remote) => Promise<void>
}

interface LastArrival {
  readonly at: number
}

export function openSettling(options: Options): Settling {
  const { kind, before } = options
  const { ledger, workspaces, now, log } = options.parts
  let looking: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    for await (const last of recordsOf<LastArrival>(ledger, keyOf.everyAt(kind))) {
      if (last.value.at + QUIET_MS > now()) continue
      const remote = await remoteOf(last.key)
      if (remote && options.arrivals.busy(remote)) continue
      try {
        if (remote) await settleOne(remote)
        await forget(remote ? [last.key] : await allOf(last.key), last)
      } catch (error) {
        log('error', 'a remote could not be settled', { key: last.key, stack: String(error) })
      }
    }
  }

  /** Undefined when its workspace was killed. */
  async function remoteOf(key: string): Promise<Remote | undefined> {
    const { workspace: id, repository } = remoteIn(key)
    const workspace = await workspaces.byId(id)
    if (workspace === undefined) return undefined
    return { kind, workspace: id, organisation: workspace.organisation, repository }
  }

  async function settleOne(remote: Remote): Promise<void> {
    await before?.(remote)
    for (let loose = await looseIn(ledger, remote); loose.length > 0; ) {
      await makeLooseVersion(options, remote, loose)
      const left = await looseIn(ledger, remote)
      if (left.join() === loose.join()) return
      loose = left
    }
  }

  /** What is remembered of a remote whose workspace was killed. */
  async function allOf(key: string): Promise<string[]> {
    const { workspace, repository } = remoteIn(key)
    const remote: Remote = { kind, workspace, organisation: '', repository }
    const prefixes = [keyOf.loose(remote, ''), keyOf.folder(remote, '')]
    const records = await Promise.all(prefixes.map(prefix => ledger.records(prefix)))
    return [key, ...records.flat().map(record => record.key)]
  }

  /** Unless something came meanwhile, which is looked at when it is quiet again. */
  async function forget(keys: readonly string[], last: Held<LastArrival>): Promise<void> {
    const { id: actor, organisation } = options.parts.people.system
    const records = keys.map(key => ({ key, value: null }))
    await ledger.commit({ actor, organisation, expect: [same(last)], records }).catch(error => {
      if (!isKaosError(error, 'CONFLICT')) throw error
    })
  }

  const settle = async () => {
    looking ??= look().finally(() => {
      looking = undefined
    })
    return looking
  }
  const lookAgain = () => {
    settle().catch(error => log('error', 'settling failed', { stack: String(error) }))
  }

  return {
    settle,
    start() {
      lookAgain()
      timer = setInterval(lookAgain, EVERY_MS)
      timer.unref()
    },
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}
