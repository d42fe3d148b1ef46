/* Times and amounts as people read them. */

/** `YYYY-MM-DD HH:MM:SS` in the zone of this machine. */
export function localTime(at: string): string {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return at
  const two = (number: number) => String(number).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}

/** `1.5 MB` */
export function byteText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let amount = bytes
  let unit = 0
  while (amount >= 1000 && unit < units.length - 1) {
    amount /= 1000
    unit++
  }
  return `${unit === 0 ? amount : amount.toFixed(1)} ${units[unit]}`
}

/** `3 files`, `1 file` */
export function countText(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

/** A century: as long as the server takes. */
export const NEVER_SECONDS = 100 * 365 * SECONDS.d

/** `30d`, `12h`, `never`: seconds; undefined when it is none of these. */
export function parseLifetime(text: string): number | undefined {
  if (text === 'never') return NEVER_SECONDS
  const match = /^([1-9]\d{0,6})([smhdw])$/.exec(text)
  if (match === null) return undefined
  return Number(match[1]) * SECONDS[match[2] as keyof typeof SECONDS]
}
