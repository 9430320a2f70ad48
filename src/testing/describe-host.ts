import type { HostHarness } from './host.ts'
import { hostTests, type HostTestName, type SkippableHostTest } from './host-tests.ts'
import { registerSuite } from './register-suite.ts'
import type { PatienceOptions } from './suite/patience.ts'
import type { TestRunner } from './test-runner.ts'

/** Tests that a host cannot pass, and the reason. */
export interface HostSkip {
  /** What the host lacks, in words that the reader of a report understands. */
  readonly reason: string
  /** The names of the tests. The tests of `EssentialHostTest` cannot be skipped. */
  readonly tests: readonly SkippableHostTest[]
}

/** The options of `describeHost`: the test runner, the deadline and its clock, the tests to skip, and the report. */
export interface DescribeHostOptions extends TestRunner, PatienceOptions {
  /**
   * The tests that this host cannot pass.
   *
   * @default none
   */
  readonly skip?: readonly HostSkip[] | undefined
  /**
   * Called when every test has a result, and again if the runner then runs a test once more, as a retry. The callback is not called if the runner
   * runs only some of the tests.
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
  /** The results, in the order of `hostTests`. Skipped tests are included from the start. Any other test is included when it is over. */
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
  const tests = hostTests.map(({ name, isSkippable, run }) => ({ name, isSkippable, run: () => run(harness, options) }))
  const results = registerSuite<HostTestName>(host, tests, { describe, it, skip, done: () => report?.(soFar) })
  const soFar: HostReport = {
    host,
    get results() {
      return results()
    },
  }
  return soFar
}
