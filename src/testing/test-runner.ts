/** The functions of a test runner that a suite needs. `node:test`, vitest, `bun:test` and Deno's BDD work without an adapter. */
export interface TestRunner {
  /** Registers a suite of the tests that `body` registers. */
  readonly describe: (name: string, body: () => void) => unknown
  /** Registers a test. `it.skip` registers a test that is not run. */
  readonly it: RegisterTest & { readonly skip?: RegisterTest }
}

type RegisterTest = (name: string, run: () => Promise<void>) => unknown
