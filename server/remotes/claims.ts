/* Once an object is a file of a version, it is no longer loose: it stays as long as a version has it.
 * Small bytes lie in a segment of the version's folder, and the object then points there, so that they
 * are kept once. */
import type { Digest } from '../../api/digest.ts'
import { isKaosError } from '../../api/errors.ts'
import type { Within } from '../../api/tree.ts'
import type { Expectation, Json, RecordWrite } from '../../graph/ledger.ts'
import { isEpochOver } from '../care/intake.ts'
import type { Rooms } from '../rooms.ts'
import {
  FOLDERS,
  type KeptObject,
  keyOf,
  type Objects,
  placesOf,
  type Remote,
  recordOf,
} from './objects.ts'

export interface Claim {
  /** Of the object. */
  readonly name: string
  /** What the version has under it; undefined if it was not there any more. */
  readonly file: Digest | undefined
  readonly within: Within | undefined
  /** As the object's record is to say; undefined for one that is not there any more. */
  readonly holder: string | undefined
}

export interface Claims {
  /** May be broken off and done again. */
  settle(remote: Remote, claims: AsyncIterable<Claim> | Iterable<Claim>): Promise<void>
}

/** Objects of one commit. */
const BATCH = 500
/** Places that an object remembers: it outlives the removal of some versions. */
const PLACES = 8

interface Plan {
  readonly expect: readonly Expectation[]
  readonly records: readonly RecordWrite[]
}

/** The object's record as it is from now on; undefined if it is so already. */
function claimed(object: KeptObject, { within, holder }: Claim): Json | undefined {
  const places = placesOf(object)
  const isHere = within === undefined || isPlace(within, places[0])
  // What is in folders may be in many: to whom it belonged before is forgotten.
  const held = object.holder === FOLDERS ? FOLDERS : holder
  if (isHere && held === object.holder) return undefined
  const others = isHere ? places : places.filter(place => !isPlace(within, place))
  const all = isHere ? places : [within, ...others].slice(0, PLACES)
  return recordOf({ ...object, places: all, ...(held !== undefined && { holder: held }) })
}

function isPlace(place: Within, other: Within | undefined): boolean {
  return place.segment === other?.segment && place.offset === other.offset
}

export function openClaims({ ledger, people, intake }: Rooms, objects: Objects): Claims {
  async function settleBatch(remote: Remote, batch: readonly Claim[]): Promise<void> {
    await intake.relying(async expect => {
      const plans = await Promise.all(batch.map(claim => plan(remote, claim)))
      const done = await commit(remote, plans, expect)
      // Somebody else wrote one of them: each by itself, and theirs stays as it is.
      if (!done) for (const one of plans) await commit(remote, [one], expect)
    })
  }

  async function plan(remote: Remote, claim: Claim): Promise<Plan> {
    const { name, file } = claim
    const { object, version } = await objects.look(remote, name)
    const key = keyOf.object(remote, name)
    // Who brings it again meanwhile makes it loose again.
    const expect = [{ record: key, version }]
    const records: RecordWrite[] = [{ key: keyOf.loose(remote, name), value: null }]
    if (object === undefined) return { expect, records }
    if (object.file !== file) return { expect: [], records: [] }
    const value = claimed(object, claim)
    return { expect, records: value ? [...records, { key, value }] : records }
  }

  async function commit(
    remote: Remote,
    plans: readonly Plan[],
    epoch: readonly Expectation[],
  ): Promise<boolean> {
    const expect = plans.flatMap(one => one.expect)
    try {
      await ledger.commit({
        actor: people.system.id,
        organisation: remote.organisation,
        expect: [...epoch, ...expect],
        records: plans.flatMap(one => one.records),
      })
      return true
    } catch (error) {
      if (!isKaosError(error, 'CONFLICT') || isEpochOver(error)) throw error
      return false
    }
  }

  return {
    async settle(remote, claims) {
      const seen = new Set<string>()
      let batch: Claim[] = []
      for await (const claim of claims) {
        if (seen.has(claim.name)) continue
        seen.add(claim.name)
        batch.push(claim)
        if (batch.length < BATCH) continue
        await settleBatch(remote, batch)
        batch = []
      }
      if (batch.length > 0) await settleBatch(remote, batch)
    },
  }
}
