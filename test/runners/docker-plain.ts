/* A real engine with an image that runs the Python it is given, for the suites of what running promises. */
import { after, before, type TestContext } from 'node:test'
import {
  type Attempt,
  attemptOf,
  type DockerFixture,
  type Image,
  openDockerFixture,
  programDockerfile,
  RUNS_CODE,
} from './docker-fixture.ts'
import { logOf, type Prepared } from './fixture.ts'

export interface Outcome extends Attempt {
  readonly exit: Awaited<Awaited<ReturnType<DockerFixture['runner']['run']>>['exit']>
  readonly log: string
}

export interface PlainScene {
  readonly fixture: DockerFixture
  readonly plain: Prepared & { built: Image }
  /** Runs the code to its end, in the plain image unless another is given. */
  ran(
    t: TestContext,
    code: string,
    more?: Parameters<typeof attemptOf>[3] & { image?: Prepared },
  ): Promise<Outcome>
}

/** Opened before the tests of the file that asks, closed after them. */
export function withPlainImage(): PlainScene {
  let fixture: DockerFixture
  let plain: PlainScene['plain']
  before(async () => {
    fixture = await openDockerFixture()
    const files = { train: RUNS_CODE, serve: RUNS_CODE }
    plain = await fixture.prepare({ dockerfile: programDockerfile(fixture.small), files })
  })
  after(() => fixture?.close())
  return {
    get fixture() {
      return fixture
    },
    get plain() {
      return plain
    },
    async ran(t, code, more = {}) {
      const attempt = await attemptOf(t, fixture, more.image ?? plain, { ...more, code })
      const running = await fixture.runner.run(attempt.order, attempt.place)
      const exit = await running.exit
      return { ...attempt, exit, log: await logOf(fixture.runner, attempt.place) }
    },
  }
}

/** The log without its stamps. */
export function linesOf({ log }: Outcome): string[] {
  return log
    .trimEnd()
    .split('\n')
    .map(line => line.slice(22))
}
