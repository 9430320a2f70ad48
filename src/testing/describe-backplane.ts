import type { BackplaneHarness } from './backplane-harness.ts'
import { backplaneTests, type BackplaneTestName, type SkippableBackplaneTest } from './backplane-tests.ts'
import { registerSuite } from './register-suite.ts'
import type { PatienceOptions } from './suite/patience.ts'
import type { TestRunner } from './test-runner.ts'

/** Tests that a driver (an implementation of `Backplane`) cannot pass, and the reason. */
export interface BackplaneSkip {
  /** What the driver or its broker lacks, in words that the reader of a report understands. */
  readonly reason: string
  /** The names of the tests. You can skip only tests in which the harness kills or freezes the broker. */
  readonly tests: readonly SkippableBackplaneTest[]
}

/** The options of `describeBackplane`: the test runner, the deadline and its clock, the tests to skip, and the report. */
export interface DescribeBackplaneOptions extends TestRunner, PatienceOptions {
  /**
   * The tests that this driver cannot pass.
   *
   * @default none
   */
  readonly skip?: readonly BackplaneSkip[] | undefined
  /**
   * Called when every test has a result, and again if the runner then runs a test once more, as a retry. The callback is not called if the runner
   * runs only some of the tests.
   */
  readonly report?: ((report: BackplaneReport) => void) | undefined
}

/** The result of one test. */
export type BackplaneTestResult =
  | { readonly test: BackplaneTestName; readonly outcome: 'passed' }
  | { readonly test: BackplaneTestName; readonly outcome: 'failed'; readonly error: unknown }
  | { readonly test: BackplaneTestName; readonly outcome: 'skipped'; readonly reason: string }

/** The results of one driver's tests. */
export interface BackplaneReport {
  /** The name that was given to `describeBackplane`. */
  readonly backplane: string
  /** The results, in the order of `backplaneTests`. Skipped tests are included from the start. Any other test is included when it is over. */
  readonly results: readonly BackplaneTestResult[]
}

/**
 * Registers the backplane suite with a test runner, as one `describe` with one `it` for each test. Returns a report, which is complete when the
 * runner has run every test.
 *
 * A skipped test is registered with `it.skip`, and has its reason in its title. If the runner has no `it.skip`, the skipped test is registered as a
 * test that does nothing.
 *
 * @throws an `Error` if a skip has no reason, or names a test that does not exist or cannot be skipped
 *
 * @example
 * import { describe, it } from 'node:test'
 * import { describeBackplane } from 'stream-connection-manager/testing'
 *
 * describeBackplane('my broker', harness, {
 *   describe,
 *   it,
 *   skip: [{ reason: 'it runs in this process', tests: ['closes while the broker is frozen'] }],
 * })
 */
export function describeBackplane(backplane: string, harness: BackplaneHarness, options: DescribeBackplaneOptions): BackplaneReport {
  const { describe, it, skip = [], report } = options
  const tests = backplaneTests.map(({ name, isSkippable, run }) => ({ name, isSkippable, run: () => run(harness, options) }))
  const results = registerSuite<BackplaneTestName>(backplane, tests, { describe, it, skip, done: () => report?.(soFar) })
  const soFar: BackplaneReport = {
    backplane,
    get results() {
      return results()
    },
  }
  return soFar
}
