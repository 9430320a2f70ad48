import { Patience, type PatienceOptions } from './suite/patience.ts'

/** The resources that one test of a suite uses, such as its servers. */
export interface Ending {
  /** Stops what the test started. Rejects if stopping fails. In the backplane suite, also rejects if the test left an error that was not handled. */
  end(): Promise<void>
}

/** A test of a suite, for any runner. */
interface SuiteTest<TName extends string, THarness> {
  readonly name: TName
  readonly isSkippable: boolean
  run(harness: THarness, options?: PatienceOptions): Promise<void>
}

/**
 * Returns the tests of a suite, in the order of `runs`.
 *
 * @param begin - makes the resources of each test
 */
export function testsOf<TName extends string, THarness, TTrial extends Ending>(
  runs: Readonly<Record<TName, (trial: TTrial) => Promise<void>>>,
  isSkippable: boolean,
  begin: (harness: THarness, patience: Patience) => TTrial,
): SuiteTest<TName, THarness>[] {
  return (Object.keys(runs) as TName[]).map((name) => ({
    name,
    isSkippable,
    run: (harness, options) => runTrial(runs[name], begin(harness, new Patience(options))),
  }))
}

async function runTrial<TTrial extends Ending>(run: (trial: TTrial) => Promise<void>, trial: TTrial): Promise<void> {
  try {
    await run(trial)
  } catch (error) {
    // The test has failed already, so an error while stopping does not matter.
    await trial.end().catch(() => {})
    throw error
  }
  await trial.end()
}
