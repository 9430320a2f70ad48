import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { HostReport, HostTestName } from 'stream-connection-manager/testing'

// What runs of the host suite tell each other: test/system/hosts and test/system/runtimes write results, and `npm run table` reads them.

/** What a run of the host suite says of one host: one JSON file in a folder `results`, called after the recipe. */
export interface HostResult {
  /** As the table names it, such as `Fastify`. */
  readonly host: string
  /** The recipe in `examples/hosts`, such as `fastify.ts`. */
  readonly recipe: string
  /** What the server ran on, such as `Node 20` or `Bun 1.4.4`. */
  readonly runtime: string
  /** The packages that make the host, as they are called for its users, and their versions; none where the runtime itself is the host. */
  readonly versions: Readonly<Record<string, string>>
  /** The day of the run, such as `2026-01-31`. */
  readonly date: string
  readonly tests: readonly HostTestOutcome[]
}

export interface HostTestOutcome {
  readonly name: HostTestName
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped. */
  readonly reason?: string
}

/** What a result says besides what the suite reports. */
export type HostFacts = Pick<HostResult, 'host' | 'recipe' | 'runtime' | 'versions'>

/** Writes what became of a host into a folder. */
export function writeResult(folder: URL, facts: HostFacts, { results }: HostReport): void {
  const tests = results.map(({ test: name, ...rest }) => ({ name, outcome: rest.outcome, ...('reason' in rest && { reason: rest.reason }) }))
  const result: HostResult = { ...facts, date: new Date().toISOString().slice(0, 10), tests }
  mkdirSync(folder, { recursive: true })
  writeFileSync(fileOf(folder, facts), `${JSON.stringify(result, null, 2)}\n`)
}

/** Removes what an earlier run said of a host, so that it does not stand for a run that did not come to its end. */
export function removeResult(folder: URL, facts: HostFacts): void {
  rmSync(fileOf(folder, facts), { force: true })
}

/** Reads what a folder has; nothing where there is none. */
export function readResults(folder: URL): HostResult[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as HostResult)
}

function fileOf(folder: URL, { recipe }: HostFacts): URL {
  return new URL(recipe.replace(/\.ts$/, '.json'), folder)
}
