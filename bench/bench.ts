/* Speed, as ratios taken side by side in one run: contestants alternate, medians are compared, CPU
 * seconds stand beside wall time. Prints, never asserts. docs/speed.md says how to run it. */
import { engines, manyTrials } from './engines.ts'
import { jobStart } from './job-start.ts'
import { kubernetesStart } from './kubernetes-start.ts'
import { recovery } from './recovery.ts'
import { settingsOf } from './settings.ts'
import { startUp } from './start-up.ts'
import { store } from './store.ts'

const { programs, settings } = settingsOf(process.argv.slice(2))
const all: Record<string, () => Promise<void>> = {
  'start-up': startUp,
  'job-start': jobStart,
  engines,
  'many-trials': manyTrials,
  recovery,
  store: () => store(settings),
  'kubernetes-start': kubernetesStart,
}
/** Wants a cluster, so it runs only by name. */
const BY_NAME = ['kubernetes-start']
const unknown = programs.find(name => all[name] === undefined)
if (unknown !== undefined) {
  console.error(`there is no bench ${unknown}; there are ${Object.keys(all).join(', ')}`)
  process.exit(2)
}

console.log(`node ${process.version}, ${new Date().toISOString()}`)
for (const [name, run] of Object.entries(all)) {
  if (programs.includes(name) || (programs.length === 0 && !BY_NAME.includes(name))) await run()
}
