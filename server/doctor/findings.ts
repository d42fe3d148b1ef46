import type { DoctorFinding as Finding } from '../../api/wire.ts'

export const good = (part: string, what: string): Finding => {
  return { part, state: 'good', what, mend: null }
}
export const warning = (part: string, what: string, mend: string): Finding => {
  return { part, state: 'warning', what, mend }
}
export const bad = (part: string, what: string, mend: string): Finding => {
  return { part, state: 'bad', what, mend }
}

export type Look = () => Promise<Finding | readonly Finding[]>

/** How long one look may take: what does not answer is what is wrong. */
const LOOK_MS = 15_000

/** All of them at once. One that fails or does not end is a finding itself. */
export async function lookAll(looks: Readonly<Record<string, Look>>): Promise<Finding[]> {
  const all = Object.entries(looks).map(async ([part, look]) => {
    const { promise: late, resolve } = Promise.withResolvers<Finding>()
    const slow = bad(part, `did not answer in ${LOOK_MS / 1000} seconds`, 'see whether it runs')
    const timer = setTimeout(() => resolve(slow), LOOK_MS)
    try {
      return await Promise.race([look(), late])
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return bad(part, why, 'the log of the server says more: logs/server.log in the data folder')
    } finally {
      clearTimeout(timer)
    }
  })
  return (await Promise.all(all)).flat()
}

export function bytesText(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`
}
