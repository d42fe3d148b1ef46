import { runnerConformance } from '../conformance.ts'
import { openProcessFixture } from './fixture.ts'

runnerConformance('process', () => openProcessFixture([]))
runnerConformance('process without namespaces', () => openProcessFixture(['view', 'net']))
