import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { SimulatedCluster } from './simulated-cluster.js'
import { CONTROL_HEAD, controlRow, INTEREST_HEAD, interestRow, NODES, table, unitsOfKinds } from './tables.js'
import { textsOf } from './traffic.js'

const PAGE = readFileSync(new URL('../../docs/sizing.md', import.meta.url), 'utf8').split('\n')

describe('a simulated cluster', () => {
  it('gives each node the messages of the channels that it wants, whatever the number of nodes', async () => {
    for (const nodes of [2, 8]) {
      const { cluster } = await SimulatedCluster.joined({ nodes, channelsEach: 10 })

      const { sent, received } = await cluster.second(4)

      assert.equal(textsOf(sent, ['message']), 4_000)
      assert.deepEqual(received.map((tally) => textsOf(tally, ['message'])), new Array(nodes).fill(40))
      assert.deepEqual(cluster.deliveries(), new Array(nodes).fill(40))
      await cluster.close()
    }
  })

  it('tells every node of a change of interest', async () => {
    const { cluster } = await SimulatedCluster.joined({ nodes: 8, channelsEach: 10 })

    const { gained, left } = await cluster.changeOfInterest()

    assert.deepEqual(gained.received.map((tally) => textsOf(tally, ['sync'])), new Array(8).fill(1))
    assert.deepEqual(left.received.map((tally) => textsOf(tally, ['left'])), new Array(8).fill(1))
    await cluster.close()
  })

  it('repeats the last number of each quiet channel three times', async () => {
    const { cluster } = await SimulatedCluster.joined({ nodes: 2, channelsEach: 10 })
    await cluster.second(4)

    const { sent } = await cluster.quiet(10_000)

    assert.equal(textsOf(sent, ['tail']), 3_000)
    await cluster.close()
  })

  it('counts the same in every run', async () => {
    assert.deepEqual(await controlRow(8), await controlRow(8))
  })
})

describe('docs/sizing.md', () => {
  // The rows that take little time are simulated again.
  for (const [what, head, rowOf, small] of [['interest', INTEREST_HEAD, interestRow, [2]], ['the number of nodes', CONTROL_HEAD, controlRow, [2, 8, 32]]]) {
    it(`has the table of what follows ${what}`, async () => {
      const from = PAGE.indexOf(table(head, [])[0])
      const rows = PAGE.slice(from + 2, from + 2 + NODES.length)

      assert.deepEqual(rows.map((row) => row.split(' ')[1]), NODES.map((nodes) => nodes.toLocaleString('en')))
      for (const nodes of small) assert.equal(rows[NODES.indexOf(nodes)], table(head, [await rowOf(nodes)]).at(-1))
    })
  }

  it('has the size of each kind of text', async () => {
    const said = PAGE.filter((line) => /^\| `\w+` \|/.test(line)).map((line) => line.split('|').slice(1, 3).map((cell) => cell.trim().replaceAll('`', '')))

    assert.deepEqual(Object.fromEntries(said), Object.fromEntries(Object.entries(await unitsOfKinds()).map(([kind, units]) => [kind, String(Math.round(units))])))
  })
})
