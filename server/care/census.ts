/* What the store holds, counted for each workspace while a collection looks at everything: bytes as
 * people count them (each entity's own) and as they are stored (each object once, for the workspace
 * that has had it longest). */

export interface Tally {
  entities: number
  logicalBytes: number
  objects: number
  storedBytes: number
}

/** `null`: of no workspace. */
export type Place = string | null

export class Census {
  readonly #tallies = new Map<Place, Tally>()

  of(place: Place): Tally {
    const known = this.#tallies.get(place)
    if (known) return known
    const fresh = { entities: 0, logicalBytes: 0, objects: 0, storedBytes: 0 }
    this.#tallies.set(place, fresh)
    return fresh
  }

  entity(place: Place, bytes: number): void {
    const tally = this.of(place)
    tally.entities++
    tally.logicalBytes += bytes
  }

  object(place: Place, bytes: number): void {
    const tally = this.of(place)
    tally.objects++
    tally.storedBytes += bytes
  }

  get total(): Tally {
    const total = { entities: 0, logicalBytes: 0, objects: 0, storedBytes: 0 }
    for (const one of this.#tallies.values()) {
      total.entities += one.entities
      total.logicalBytes += one.logicalBytes
      total.objects += one.objects
      total.storedBytes += one.storedBytes
    }
    return total
  }

  rows(): { workspace: Place; tally: Tally }[] {
    return Array.from(this.#tallies, ([workspace, tally]) => ({ workspace, tally }))
  }
}
