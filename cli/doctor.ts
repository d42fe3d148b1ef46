/* What can be said of a server from outside, and of this machine. */
import { isKaosError } from '../api/errors.ts'
import type { DoctorView, DoctorFinding as Finding, ServerView } from '../api/wire.ts'
import type { Client } from './client.ts'
import { packageJson, programPath } from './package-root.ts'
import { resultOf } from './program.ts'

/** So far clocks may be apart. */
const SKEW_MS = 30_000

interface Options {
  readonly full: boolean
  tell(text: string): void
}

/** Nothing but a finding about `server` when it does not answer. */
export async function serverFindings(client: Client, options: Options): Promise<Finding[]> {
  let server: ServerView
  try {
    server = await client.get<ServerView>('/server')
  } catch (error) {
    const what = `${client.endpoint}: ${(error as Error).message}`
    return [bad('server', what, 'start it (kaos up), or connect elsewhere (kaos init -e)')]
  }
  const { version } = packageJson()
  const what = `${client.endpoint} answers, kaos ${server.version}`
  const differs = server.version !== version
  const next = `bring both to one version; this command is kaos ${version}`
  const found = [
    differs ? warning('server', `${what}, not ${version}`, next) : good('server', what),
  ]
  try {
    const before = Date.now()
    const view = await client.get<DoctorView>('/admin/doctor')
    found.push(clock(Date.parse(view.now), before, Date.now()), ...view.findings)
    if (options.full) found.push(await graph(client, options))
  } catch (error) {
    const denied =
      isKaosError(error, 'NOT_PERMITTED') || isKaosError(error, 'AUTHORIZATION_FAILURE')
    const mend = denied ? 'ask with the token of an administrator (KAOS_TOKEN)' : 'try again'
    const state = denied ? warning : bad
    found.push(
      state('parts', `it does not say how its parts are: ${(error as Error).message}`, mend),
    )
  }
  return found
}

async function graph(client: Client, { tell }: Options): Promise<Finding> {
  tell('every statement is checked; this may take a while')
  const { findings } = await client.post<{ findings: string[] }>('/ledger/verify')
  const [first] = findings
  if (first === undefined)
    return good('graph', 'every statement, leaf and edge is what the log says')
  const what = `${findings.length} differences from the log: ${first}`
  return bad(
    'graph',
    what,
    'stop the server, then: kaos admin ledger rebuild; else restore a backup',
  )
}

/** The answer was made somewhere between the two moments. */
function clock(there: number, before: number, after: number): Finding {
  const apart = there < before ? there - before : there > after ? there - after : 0
  if (Math.abs(apart) < SKEW_MS) return good('clock', 'the same here and on the server')
  const seconds = Math.round(Math.abs(apart) / 1000)
  const side = apart > 0 ? 'ahead of' : 'behind'
  const what = `the clock of the server is ${seconds} seconds ${side} the one here`
  return warning('clock', what, 'set both right (timedatectl set-ntp true)')
}

/** Of this machine, with the settings of `kaos up`. */
export async function hostFindings(data: string | undefined): Promise<Finding[]> {
  const program = programPath('server/doctor/main')
  const { findings } = await resultOf<{ findings: Finding[] }>(
    program,
    { ...(data !== undefined && { data }) },
    { tell: () => {} },
  )
  return findings
}

const good = (part: string, what: string): Finding => ({ part, state: 'good', what, mend: null })
const warning = (part: string, what: string, mend: string): Finding => {
  return { part, state: 'warning', what, mend }
}
const bad = (part: string, what: string, mend: string): Finding => {
  return { part, state: 'bad', what, mend }
}
