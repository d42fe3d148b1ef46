/* Speed, as ratios taken side by side in one run: contestants alternate, medians are compared, CPU
 * seconds stand beside wall time. `npm run bench` prints one line per claim. */
import { jobStart } from './job-start.ts'
import { startUp } from './start-up.ts'

console.log(`node ${process.version}, ${new Date().toISOString()}`)
await startUp()
await jobStart()
