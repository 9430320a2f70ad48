import type { TestRunner } from 'stream-connection-manager/testing'

/** What became of tests: a name, and what was wrong. */
export interface Outcome {
  readonly name: string
  readonly error?: string
}

/** Runs tests one after the other, in a runtime that has no test runner. */
export async function outcomesOf(register: (runner: TestRunner) => void): Promise<Outcome[]> {
  const tests: { readonly name: string; run(): Promise<void> }[] = []
  register({ describe: (_name, body) => body(), it: (name, run) => void tests.push({ name, run }) })
  const outcomes: Outcome[] = []
  for (const { name, run } of tests) outcomes.push(await run().then(() => ({ name }), (error: unknown) => ({ name, error: String(error) })))
  return outcomes
}
