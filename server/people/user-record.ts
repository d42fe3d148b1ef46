import type { Role } from '../../api/actor.ts'

/** What is kept of a user, under the name. */
export interface UserRecord {
  id: string
  role: Role
  createdAt: string
}

export function userKey(organisation: string, name: string): string {
  return `user/${organisation}/${name}`
}
