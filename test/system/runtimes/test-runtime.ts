import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRequire } from 'node:module'
import { describeHost, type HostSkip } from 'stream-connection-manager/testing'
import { leavingWs } from '../hosts/clients/leaving.ts'
import { connectWs } from '../hosts/clients/ws-client.ts'
import { checkBytes, PRICE } from '../hosts/bytes-tests.ts'
import { harnessOf } from '../hosts/harness.ts'
import { removeResult, writeResult } from '../hosts/result.ts'
import { heartbeatElsewhere } from '../hosts/skips.ts'
import type { ServedElsewhere } from './calls.ts'
import { PACKAGES } from './programs.ts'

/** A runtime that is a host itself, and how its recipe is run. */
export interface RuntimeUnderTest {
  /** As the table names it. */
  readonly host: string
  /** The file in `examples/hosts`. */
  readonly recipe: string
  /** The package of the runtime, by the name that the table has for it. */
  readonly runtime: readonly [name: string, packageName: string]
  /** Starts the recipe's server in a process of its own. */
  readonly start: () => Promise<ServedElsewhere>
  /** Why its heartbeat cannot be made to pass. */
  readonly heartbeat: string
  /** What else cannot be asked of it, and why. */
  readonly skip?: readonly HostSkip[]
}

const RESULTS = new URL('results/', import.meta.url)
const require = createRequire(import.meta.url)

/** Runs the host suite on a runtime, and writes down what became of it. */
export function testRuntime({ host, recipe, runtime: [name, packageName], start, heartbeat, skip: more = [] }: RuntimeUnderTest): void {
  const { version } = require(`${PACKAGES}${packageName}/package.json`) as { readonly version: string }
  const facts = { host, recipe, runtime: `${name} ${version}`, versions: {} }
  removeResult(RESULTS, facts)
  const skip = [heartbeatElsewhere(heartbeat), ...more]
  it(`tells a client of ${host} a code of RFC 6455, such as 1013`, async (test) => {
    const { manager, port, stop } = await start()
    test.after(stop)
    const alice = await connectWs(port, 'alice', [])
    const why = { code: 1013, reason: 'try again later' }

    const [connectionId = ''] = await manager.connectionIds('alice')
    await manager.removeConnection(connectionId, why)
    await alice.closed

    assert.deepEqual(await alice.closedWith?.(), why)
  })
  it(`sends texts and bytes to a client of ${host} as what they are`, { timeout: 30_000 }, async (test) => {
    const { manager, port, stop } = await start()
    test.after(stop)

    await checkBytes(port, (payloads) => manager.publishPayloads(PRICE, payloads))
  })
  describeHost(host, harnessOf(start, connectWs, leavingWs()), { describe, it, skip, report: (report) => writeResult(RESULTS, facts, report) })
}
