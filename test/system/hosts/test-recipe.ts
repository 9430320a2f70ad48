import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Clock } from 'stream-connection-manager'
import { describeHost, hosted, ManualClock, type HostSkip } from 'stream-connection-manager/testing'
import type { Listening } from '../../../examples/hosts/listening.ts'
import { leavingWs, type ConnectAndLeave } from './clients/leaving.ts'
import { DrivenIntervals } from './driven-intervals.ts'
import { harnessOf, type Connect } from './harness.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'
import { AT_ONCE, describeRecipe } from './recipe-tests.ts'
import { removeResult, writeResult } from './result.ts'

/** A host of Node's, and how it is tried out. */
export interface RecipeUnderTest {
  /** As the table names it. */
  readonly host: string
  /** The file in `examples/hosts`. */
  readonly recipe: string
  /** The packages that make the host; none for what comes with Node. */
  readonly packages?: readonly string[]
  readonly listen: (port?: number, clock?: Clock) => Promise<Listening>
  /** True if its heart beats by the clock that it is given. */
  readonly beatsByClock?: boolean
  readonly connect: Connect
  /** How a client leaves before it is accepted; as one of a WebSocket at the root, if not said. */
  readonly connectAndLeave?: ConnectAndLeave
  /** What cannot be asked of it, and why. */
  readonly skip?: readonly HostSkip[]
  /** Where a WebSocket is accepted, if not at the root. */
  readonly webSocketPath?: string
}

/** The default of the hosts of the library. */
const HEARTBEAT_MS = 30_000

const RESULTS = new URL('results/', import.meta.url)

/** Runs the host suite on a recipe, and writes down what became of it. */
export function testRecipe({ host, recipe, packages = [], listen, connect, connectAndLeave = leavingWs(), skip = [], webSocketPath, beatsByClock = false }: RecipeUnderTest): void {
  const [major] = process.versions.node.split('.')
  const versions = Object.fromEntries(packages.map((name) => [name, versionOf(name)]))
  const facts = { host, recipe, runtime: `Node ${major}`, versions }
  removeResult(RESULTS, facts)
  const serve = async () => {
    const intervals = new DrivenIntervals()
    const clock = new ManualClock()
    const { manager, port, stop } = await intervals.while(() => listen(0, clock))
    const beat = beatsByClock ? () => clock.advance(HEARTBEAT_MS) : () => intervals.beat()
    return { manager: hosted(manager), port, stop: async () => void (await stop(AT_ONCE)), ...((beatsByClock || intervals.count > 0) && { beat }) }
  }
  const harness = harnessOf(serve, connect, connectAndLeave)
  describeHost(host, harness, { describe, it, skip, report: (report) => writeResult(RESULTS, facts, report) })
  describeRecipe(host, listen, connect, webSocketPath)
  expectNothingLeftOpen()
}

function versionOf(name: string): string {
  const manifest = new URL(`../../../examples/node_modules/${name}/package.json`, import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string }).version
}
