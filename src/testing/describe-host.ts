import type { HostHarness } from './host.ts'
import { hostTests, type HostTestName, type SkippableHostTest } from './host-tests.ts'
import type { PatienceOptions } from './suite/patience.ts'

/** What the suite needs of a test runner: `node:test`, vitest, `bun:test` and Deno's BDD fit as they are. */
export interface TestRunner {
  /** Makes a suite of the tests that its body registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test; its `skip`, one that is only named. */
  readonly it: RegisterTest & { readonly skip?: RegisterTest }
}

type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/** Tests that a host cannot pass, and why. */
export interface HostSkip {
  /** What the host lacks, in words that a reader of a table understands. */
  readonly reason: string
  /** By name. Whom a host accepts, what it delivers, what stays private and what is cleaned up is never skipped. */
  readonly tests: readonly SkippableHostTest[]
}

/** With what runner, and how, the host suite is run. */
export interface DescribeHostOptions extends TestRunner, PatienceOptions {
  /** What is not asked of this host; nothing by default. */
  readonly skip?: readonly HostSkip[] | undefined
  /**
   * Called when every test is over, and again after each that the runner tries once more. Not called where it was told to run some of
   * them alone.
   */
  readonly report?: ((report: HostReport) => void) | undefined
}

/** What became of one test. */
export type HostTestResult =
  | { readonly test: HostTestName; readonly outcome: 'passed' }
  | { readonly test: HostTestName; readonly outcome: 'failed'; readonly error: unknown }
  | { readonly test: HostTestName; readonly outcome: 'skipped'; readonly reason: string }

/** What became of the tests of one host. */
export interface HostReport {
  /** As it was named to `describeHost`. */
  readonly host: string
  /** In the order of `hostTests`. Skipped tests are there from the start, the others when they are over. */
  readonly results: readonly HostTestResult[]
}

/**
 * Registers the host suite with a test runner, as one `describe` with one `it` for each test, and returns what becomes of them: complete
 * once the runner is through.
 *
 * A skipped test is registered by `it.skip`, with its reason in its title; where there is no `it.skip`, as a test that does nothing.
 *
 * @throws an `Error` for a skip without a reason, of a test that does not exist, or of one that may not be skipped
 *
 * @example
 * import { describe, it } from 'node:test'
 * import { describeHost } from 'stream-connection-manager/testing'
 *
 * describeHost('my host', harness, {
 *   describe,
 *   it,
 *   skip: [{ reason: 'its sockets do not tell what they have buffered', tests: ['holds a stuck client back until it reads again'] }],
 * })
 */
export function describeHost(host: string, harness: HostHarness, options: DescribeHostOptions): HostReport {
  const { describe, it, skip = [], report } = options
  const reasons = reasonsIn(skip)
  const results = new Map<HostTestName, HostTestResult>()
  const soFar: HostReport = {
    host,
    get results() {
      return hostTests.flatMap(({ name }) => results.get(name) ?? [])
    },
  }
  const note = (result: HostTestResult): void => {
    results.set(result.test, result)
    if (results.size === hostTests.length) report?.(soFar)
  }
  for (const [test, reason] of reasons) results.set(test, { test, outcome: 'skipped', reason })
  describe(host, () => {
    for (const test of hostTests) {
      const reason = reasons.get(test.name)
      if (reason === undefined) it(test.name, () => noted(test.name, test.run(harness, options), note))
      else registerSkipped(it, `${test.name} (skipped: ${reason})`)
    }
  })
  return soFar
}

function registerSkipped(it: TestRunner['it'], title: string): void {
  if (it.skip === undefined) it(title, async () => {})
  else it.skip(title, async () => {})
}

async function noted(test: HostTestName, running: Promise<void>, note: (result: HostTestResult) => void): Promise<void> {
  try {
    await running
  } catch (error) {
    note({ test, outcome: 'failed', error })
    throw error
  }
  note({ test, outcome: 'passed' })
}

/** Test → why it is skipped. */
function reasonsIn(skip: readonly HostSkip[]): Map<HostTestName, string> {
  const reasons = new Map<HostTestName, string>()
  for (const { reason, tests } of skip) {
    if (typeof reason !== 'string' || reason.trim() === '') throw new Error(`A skip needs a reason: ${tests.join(', ')}`)
    for (const name of tests) {
      const test = hostTests.find((each) => each.name === name)
      if (test === undefined) throw new Error(`There is no test "${name}" to be skipped`)
      if (!test.isSkippable) throw new Error(`The test "${name}" may not be skipped`)
      reasons.set(name, reason)
    }
  }
  return reasons
}
