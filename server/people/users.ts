/* Users. The statement tells the opaque id and the role; the name is a record, so that removing a
 * user erases the person and keeps the facts. */
import { type Actor, ROLES, type Role } from '../../api/actor.ts'
import { isKaosError, KaosError } from '../../api/errors.ts'
import { newId } from '../../api/ids.ts'
import type { UserView } from '../../api/wire.ts'
import type { Ledger, RecordWrite } from '../../graph/ledger.ts'
import { recordAt, recordsBelow } from '../ledger-reads.ts'
import { profileKey } from './agents.ts'
import { tokensOf } from './tokens.ts'
import { type UserRecord, userKey } from './user-record.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/

export interface Users {
  list(actor: Actor): Promise<UserView[]>
  create(actor: Actor, user: { name: string; role?: string }): Promise<UserView>
  remove(actor: Actor, name: string): Promise<void>
}

export function openUsers(ledger: Ledger, now: () => number): Users {
  return {
    async list(actor) {
      const users: UserView[] = []
      const prefix = userKey(actor.organisation, '')
      for await (const { key, value } of recordsBelow(ledger, prefix)) {
        const { id, role, createdAt } = value as unknown as UserRecord
        users.push({ id, name: key.slice(prefix.length), role, createdAt })
      }
      return users
    },
    create: (actor, user) => create(ledger, now, actor, user),
    remove: (actor, name) => remove(ledger, actor, name),
  }
}

async function create(
  ledger: Ledger,
  now: () => number,
  actor: Actor,
  { name, role: asked = 'contributor' }: { name: string; role?: string },
): Promise<UserView> {
  if (!NAME.test(name)) {
    const rule = 'letters, digits and _ . @ -, beginning with a letter or digit, 64 at most'
    throw new KaosError('INVALID_NAME', `a user name has ${rule}`)
  }
  if (!Object.hasOwn(ROLES, asked)) {
    const roles = Object.keys(ROLES).join(', ')
    throw new KaosError('BAD_REQUEST', `there is no role ${asked}; choose one of ${roles}`)
  }
  const role = asked as Role
  const id = newId(now())
  const createdAt = new Date(now()).toISOString()
  const key = userKey(actor.organisation, name)
  try {
    await ledger.commit({
      actor: actor.id,
      organisation: actor.organisation,
      expect: [{ record: key, version: 0 }],
      statements: [
        {
          type: 'user.created',
          nodes: [{ id, class: 'agent', kind: 'user', attributes: {} }],
          detail: { user: id, role },
        },
      ],
      records: [
        { key, value: { id, role, createdAt } },
        { key: profileKey(id), value: { name } },
      ],
    })
  } catch (error) {
    if (!isKaosError(error, 'CONFLICT')) throw error
    throw new KaosError('USER_EXISTS', `there is a user ${name} already`, { cause: error })
  }
  return { id, name, role, createdAt }
}

async function remove(ledger: Ledger, actor: Actor, name: string): Promise<void> {
  const key = userKey(actor.organisation, name)
  const record = await recordAt(ledger, key)
  if (!record) throw new KaosError('USER_NOT_FOUND', `there is no user ${name}`)
  const { id } = record.value as unknown as UserRecord
  const gone: RecordWrite[] = [key, profileKey(id)].map(key => ({ key, value: null }))
  for await (const { key, value } of tokensOf(ledger, actor.organisation)) {
    if (value.agent === id) gone.push({ key, value: null }, { key: value.token, value: null })
  }
  await ledger.commit({
    actor: actor.id,
    organisation: actor.organisation,
    expect: [{ record: key, version: record.version }],
    statements: [{ type: 'user.removed', detail: { user: id } }],
    records: gone,
  })
}
