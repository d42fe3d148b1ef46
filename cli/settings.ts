/* Each setting with where it came from: option, variable, file, default, in this order. */
import type { Environment } from './config.ts'
import type { State } from './state.ts'

export interface Setting {
  readonly name: string
  readonly value: string | undefined
  readonly from: string
}

export interface Settings {
  readonly endpoint: Setting
  readonly token: Setting
  readonly workspace: Setting
  readonly user: Setting
  readonly ca: Setting
}

export function settingsOf(env: Environment, state: State | undefined, ca?: string): Settings {
  const file = state === undefined ? 'no .kaos/config' : `${state.folder}/config`
  const active = state?.active
  const endpoint = first('endpoint', [env.endpoint, 'KAOS_ENDPOINT'], [active?.url, file])
  // A token belongs to the server it was given for, and is sent to no other.
  const ours = endpoint.value === active?.url ? active : undefined
  return {
    endpoint,
    token: first('token', [env.token, 'KAOS_TOKEN'], [ours?.token, file]),
    workspace: first(
      'workspace',
      [env.workspace?.toLowerCase(), 'KAOS_WORKSPACE'],
      [state?.workspace, file],
    ),
    user: first('user', [state?.user, file], [env.user, '$USER']),
    ca: first('ca', [ca, '--ca'], [env.ca, 'KAOS_CA'], [ours?.ca, file]),
  }
}

function first(name: string, ...sources: [value: string | undefined, from: string][]): Setting {
  const [value, from] = sources.find(([value]) => value !== undefined) ?? [undefined, 'not set']
  return { name, value, from }
}
