import type { HostHarness } from './host.ts'
import { hostTests, type HostTestName, type SkippableHostTest } from './host-tests.ts'
import type { PatienceOptions } from './suite/patience.ts'

/** The functions of a test runner that the suite calls. `node:test`, vitest, `bun:test` and Deno's BDD have them. */
export interface TestRunner {
  /** Groups the tests that its body registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test. Its `skip` registers a test that is not run. */
  readonly it: RegisterTest & { readonly skip?: RegisterTest }
}

type RegisterTest = (name: string, run: () => Promise<void>) => unknown

/** Tests that a host cannot pass, and the reason. */
export interface HostSkip {
  /** What the host lacks, in words that the reader of a report understands. */
  readonly reason: string
  /** The names of the tests. Tests of acceptance, delivery, privacy and clean-up cannot be skipped. */
  readonly tests: readonly SkippableHostTest[]
}

/** The test runner, and how the host suite is run. */
export interface DescribeHostOptions extends TestRunner, PatienceOptions {
  /**
   * The tests that this host cannot pass.
   *
   * @default none
   */
  readonly skip?: readonly HostSkip[] | undefined
  /**
   * Called when all tests are over, and again after each test that the runner retries. Not called if the runner runs only some of the tests.
   */
  readonly report?: ((report: HostReport) => void) | undefined
}

/** The result of one test. */
export type HostTestResult =
  | { readonly test: HostTestName; readonly outcome: 'passed' }
  | { readonly test: HostTestName; readonly outcome: 'failed'; readonly error: unknown }
  | { readonly test: HostTestName; readonly outcome: 'skipped'; readonly reason: string }

/** The results of one host's tests. */
export interface HostReport {
  /** The name that was given to `describeHost`. */
  readonly host: string
  /** The results, in the order of `hostTests`. A skipped test is included from the start, any other test when it is over. */
  readonly results: readonly HostTestResult[]
}

/**
 * Registers the host suite with a test runner, as one `describe` with one `it` for each test. Returns a report. The report is complete when the
 * runner has run every test.
 *
 * A skipped test is registered with `it.skip`, and has its reason in its title. If the runner has no `it.skip`, the skipped test is registered as a
 * test that does nothing.
 *
 * @throws an `Error` if a skip has no reason, or names a test that does not exist or cannot be skipped
 *
 * @example
 * import { describe, it } from 'node:test'
 * import { describeHost } from 'stream-connection-manager/testing'
 *
 * describeHost('my host', harness, {
 *   describe,
 *   it,
 *   skip: [{ reason: 'its sockets do not report their buffer', tests: ['holds a stuck client back until it reads again'] }],
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
    if (typeof reason !== 'string' || reason.trim() === '') throw new Error(`Invalid skip: a reason is required for ${tests.join(', ')}`)
    for (const name of tests) {
      const test = hostTests.find((each) => each.name === name)
      if (test === undefined) throw new Error(`Invalid skip: unknown test "${name}"`)
      if (!test.isSkippable) throw new Error(`Invalid skip: test "${name}" cannot be skipped`)
      reasons.set(name, reason)
    }
  }
  return reasons
}
