/** All that a suite needs of a test runner. `node:test`, vitest, `bun:test` and Deno's BDD fit as they are. */
export interface TestRunner {
  /** Makes a suite of the tests that its body registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test. Its `skip` registers a test that is not run. */
  readonly it: RegisterTest & { readonly skip?: RegisterTest }
}

type RegisterTest = (name: string, run: () => Promise<void>) => unknown
