import test from 'node:test'
import { underLoad } from './load.ts'

test('a few pushes, fetches and short trainings at once: nothing fails and nothing is left', t =>
  underLoad(t, { pushes: 6, pulls: 6, jobs: 40, seconds: 0 }))
