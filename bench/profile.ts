/* Where the time goes: the functions of a CPU profile by their own time, client and server apart. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './measure.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SHOWN = 12

/** Of every profile in the folder, the functions that took most. */
export function profilesIn(folder: string): string {
  const files = readdirSync(folder).filter(name => name.endsWith('.cpuprofile'))
  return files
    .sort()
    .map(name => `${basename(name, '.cpuprofile')}\n${topOf(join(folder, name))}`)
    .join('\n')
}

function topOf(file: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const frames = new Map(nodes.map(one => [one.id, one.callFrame]))
  const own = new Map<string, number>()
  samples.forEach((id, index) => {
    const frame = frames.get(id)
    if (frame === undefined) return
    const name = frame.functionName || '(anonymous)'
    const place = frame.url === '' ? '' : ` ${placeOf(frame.url)}:${frame.lineNumber + 1}`
    const key = `${name}${place}`
    own.set(key, (own.get(key) ?? 0) + (timeDeltas[index] ?? 0))
  })
  const all = [...own].filter(([name]) => name !== '(idle)')
  const total = all.reduce((sum, [, time]) => sum + time, 0)
  return all
    .sort(([, one], [, other]) => other - one)
    .slice(0, SHOWN)
    .map(([name, time]) => {
      const share = `${((100 * time) / total).toFixed(1)} %`.padStart(7)
      return `  ${share} ${(time / 1000).toFixed(0).padStart(6)} ms  ${name}`
    })
    .join('\n')
}

function placeOf(url: string): string {
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url
}
