/* KAOS_TEST_SECONDS: again and again for so long. */
import test from 'node:test'
import { underLoad } from './load.ts'

const seconds = Number(process.env.KAOS_TEST_SECONDS ?? 0)

test('50 pushes, 50 fetches and 500 short trainings at once: nothing fails and nothing is left', t =>
  underLoad(t, { pushes: 50, pulls: 50, jobs: 500, seconds }))
