import { describe, expect, it } from 'vitest'
import { createCommandServer } from '../../src/protocol/index.ts'
import { createRecovery } from '../../src/recovery/index.ts'
import { ConnectionManager } from '../../src/index.ts'
import { instrument } from '../../src/operations/index.ts'
import { FakeMeter } from '../../test/support/fake-meter.ts'
import { codeBlocks, readText } from '../../test/support/markdown.ts'

const guide = readText(new URL('../production.md', import.meta.url))
const KINDS: Readonly<Record<string, string>> = { Counter: 'counter', Gauge: 'gauge', Histogram: 'histogram', UpDownCounter: 'up-down counter' }

/** The metrics of everything that can be measured: name, kind and unit, as the guide writes them. */
function measured(): unknown[] {
  const recovery = createRecovery()
  const manager = new ConnectionManager({ recorder: recovery })
  const meter = new FakeMeter()
  instrument(manager, meter, { recovery, cluster: { status: 'up', stats: () => ({}) as never }, commands: createCommandServer(manager) })
  return [...meter.instruments].map(([name, { kind, unit }]) => ({ name: name.replace('stream_connection_manager.', ''), kind: KINDS[kind], unit }))
}

describe('the guide to production', () => {
  it('lists every metric, and no other, with its kind and its unit', () => {
    const rows = Array.from(guide.matchAll(/^\| `([\w.]+)` \| ([\w -]+) \| `([^`]+)` \|/gm), ([, name, kind, unit]) => ({ name, kind, unit }))

    expect(rows.toSorted(byName)).toEqual((measured() as typeof rows).toSorted(byName))
  })

  it('shows the recipe as its file has it', () => {
    const recipe = codeBlocks(guide).find(({ note }) => note === 'recipe: otel.ts')

    expect(recipe?.code).toBe(readText(new URL('../../examples/metrics/otel.ts', import.meta.url)))
  })
})

function byName(a: { readonly name: string | undefined }, b: { readonly name: string | undefined }): number {
  return (a.name ?? '').localeCompare(b.name ?? '')
}
