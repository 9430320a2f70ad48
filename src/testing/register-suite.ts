import type { TestRunner } from './test-runner.ts'

/** One test of a suite. Its `run` takes no arguments, because it has the harness and the options already. */
export interface RegisteredTest<TName extends string> {
  readonly name: TName
  readonly isSkippable: boolean
  run(): Promise<void>
}

/** The result of one test. */
export type SuiteResult<TName extends string> =
  | { readonly test: TName; readonly outcome: 'passed' }
  | { readonly test: TName; readonly outcome: 'failed'; readonly error: unknown }
  | { readonly test: TName; readonly outcome: 'skipped'; readonly reason: string }

export interface SuiteOptions<TName extends string> extends TestRunner {
  readonly skip: readonly { readonly reason: string; readonly tests: readonly TName[] }[]
  /** Called when every test has a result, and then again whenever a retried test gets a new result. */
  readonly done: () => void
}

/**
 * Registers tests as one `describe` with one `it` for each test. Returns a function that returns the results so far, in the order of the tests.
 *
 * @throws an `Error` if a skip has no reason, or names a test that does not exist or cannot be skipped
 */
export function registerSuite<TName extends string>(
  title: string,
  tests: readonly RegisteredTest<TName>[],
  { describe, it, skip, done }: SuiteOptions<TName>,
): () => SuiteResult<TName>[] {
  const reasons = reasonsIn(skip, tests)
  const results = new Map<TName, SuiteResult<TName>>()
  const note = (result: SuiteResult<TName>): void => {
    results.set(result.test, result)
    if (results.size === tests.length) done()
  }
  for (const [test, reason] of reasons) results.set(test, { test, outcome: 'skipped', reason })
  describe(title, () => {
    for (const test of tests) {
      const reason = reasons.get(test.name)
      if (reason === undefined) it(test.name, () => noted(test, note))
      else registerSkipped(it, `${test.name} (skipped: ${reason})`)
    }
  })
  return () => tests.flatMap(({ name }) => results.get(name) ?? [])
}

function registerSkipped(it: TestRunner['it'], title: string): void {
  if (it.skip === undefined) it(title, async () => {})
  else it.skip(title, async () => {})
}

async function noted<TName extends string>({ name, run }: RegisteredTest<TName>, note: (result: SuiteResult<TName>) => void): Promise<void> {
  try {
    await run()
  } catch (error) {
    note({ test: name, outcome: 'failed', error })
    throw error
  }
  note({ test: name, outcome: 'passed' })
}

/** Returns a map from the name of each skipped test to the reason of its skip. */
function reasonsIn<TName extends string>(skip: SuiteOptions<TName>['skip'], registered: readonly RegisteredTest<TName>[]): Map<TName, string> {
  const reasons = new Map<TName, string>()
  for (const { reason, tests } of skip) {
    if (typeof reason !== 'string' || reason.trim() === '') throw new Error(`Invalid skip: a reason is required for ${tests.join(', ')}`)
    for (const name of tests) {
      const test = registered.find((each) => each.name === name)
      if (test === undefined) throw new Error(`Invalid skip: unknown test "${name}"`)
      if (!test.isSkippable) throw new Error(`Invalid skip: test "${name}" cannot be skipped`)
      reasons.set(name, reason)
    }
  }
  return reasons
}
