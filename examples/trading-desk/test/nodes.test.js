import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { closeBrowser, openTab, openTestDesk } from '../testing/browser.js'
import { connect } from '../testing/client.js'
import { until } from '../testing/until.js'

/** @import { TestDesk } from '../testing/browser.js' */
/** @import { Tab } from '../testing/tab.js' */

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }
/** Few trades, so that all that come during a test are on the tape. */
const SYMBOL = 'DOGEUSDT'
const SPEED = 0.4

/** @type {TestDesk} */
let desk
/** What the exchange published: the ids of the trades. @type {number[]} */
let published

/** @param {Tab} tab */
function nodeOf(tab) {
  return until('a node that serves the tab', async () => (/Node (\w) serves this tab/.exec(await tab.nodes.innerText()))?.[1])
}

/** @param {string} node */
function another(node) {
  return node === 'A' ? 'B' : 'A'
}

/**
 * A client on a node. Those who connect one after the other get to one node after the other.
 *
 * @param {string} node
 */
async function clientOn(node) {
  return until(`a client on node ${node}`, async () => {
    const { client, node: actual } = await connect(desk.port, 'user=alice')
    if (actual === node) return client
    await client.close()
    return undefined
  })
}

/** What the page's own list of trades has, oldest first: an id, or `gap`. @param {Tab} tab */
async function tape(tab) {
  // All rows at once, because they move.
  const ids = await tab.panel('Trades').locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')))
  return ids.map((id) => id ?? 'gap').reverse()
}

/** @param {string} row */
function isTrade(row) {
  return row !== 'gap'
}

/**
 * A tape from its first trade on. If a trade comes while the node begins to want the stream, the tab is told first that it may have missed it.
 *
 * @param {string[]} rows
 */
function withoutFirstGap(rows) {
  return rows.slice(rows.findIndex(isTrade))
}

/**
 * @param {Tab} tab
 * @param {'Stop' | 'Kill'} word
 * @param {string} node
 */
async function end(tab, word, node) {
  await tab.page.getByRole('button', { name: `${word} node ${node}` }).click()
}

after(closeBrowser)

describe('a desk on two nodes', options, () => {
  beforeEach(async () => {
    desk = await openTestDesk({ nodes: 2, speed: SPEED })
    published = []
    const observer = { send: (/** @type {string} */ text) => published.push(JSON.parse(text).data.id), close() {} }
    desk.manager.addConnection('observer', /** @type {any} */ (observer), 'observer', /** @type {any} */ ({})).subscribe({ streamType: 'TRADES', symbol: SYMBOL })
  })

  afterEach(() => desk.close())

  for (const word of /** @type {const} */ (['Kill', 'Stop'])) {
    it(`goes on at the other node, and misses nothing, when somebody presses ${word}`, async () => {
      const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
      const from = await nodeOf(tab)
      const to = another(from)
      const client = await clientOn(to)
      await tab.place({ quantity: '1', limit: '0.01' })
      await until('an order', async () => (await tab.orders()).length === 1)
      await until('trades', async () => (await tape(tab)).filter(isTrade).length >= 2)
      const missed = await tab.count('Trades missed, and told')

      await tab.holdBack(true)
      await end(tab, word, from)
      await until('a tab that is cut off', async () => await tab.page.getByRole('status').first().innerText() !== 'Connected')
      const before = published.length
      await client.request('cancel', { id: 1 })
      await until('trades that the tab does not get', () => published.length >= before + 3)
      assert.match((await tab.orders())[0], /open/)
      await tab.holdBack(false)
      await tab.nodes.getByText(new RegExp(`^Moved from node ${from} to node ${to} after .*: \\d+ streams resumed, \\d+ messages replayed, no gap\\.$`)).waitFor()

      await until('what became of the order', async () => (await tab.orders())[0]?.includes('cancelled'))
      await until('a trade that was published later', async () => Number((await tape(tab)).at(-1)) > published[before + 2])
      const shown = withoutFirstGap(await tape(tab))
      const first = published.indexOf(Number(shown[0]))
      assert.ok(first < before, 'the list goes back to before the end of the node')
      assert.deepEqual(shown, published.slice(first, first + shown.length).map(String))
      assert.deepEqual([await tab.count('Trades missed, and told'), await tab.count('Trades missed, and not told')], [missed, 0])
      await until('the node to be back', async () => (await tab.nodes.innerText()).includes(`Node ${from} is up`))
      assert.deepEqual([await nodeOf(tab), tab.troubles], [to, []])
      await client.close()
      await tab.page.context().close()
    })
  }

  it('shows a private order that was placed on one node to the tabs on the other, and to nobody else', async () => {
    const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
    const stranger = await openTab(desk.url(`?user=bob&pick=${SYMBOL}`))
    const client = await clientOn(another(await nodeOf(tab)))

    await client.request('place', { symbol: SYMBOL, side: 'buy', quantity: 2, limit: 0.01 })

    await until('the order in the tab', async () => (await tab.orders())[0]?.includes(`buy 2 ${SYMBOL}`))
    await tab.page.getByRole('button', { name: 'Cancel order 1' }).click()
    await until('the other node to know', async () => (await client.request('orders'))[0].state === 'cancelled')
    assert.deepEqual(await stranger.orders(), [])
    for (const { page } of [tab, stranger]) await page.context().close()
    await client.close()
  })

  it('shows the tabs on both nodes, and forgets those of a node that was killed', async () => {
    const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
    const [here, there] = [await nodeOf(tab), another(await nodeOf(tab))]
    const client = await clientOn(there)
    const panel = tab.panel('Tabs of alice')
    await until('both', async () => {
      const text = await panel.innerText()
      return new RegExp(`This tab \\w+ on node ${here}`).test(text) && new RegExp(`Another tab \\w+ on node ${there}`).test(text)
    })

    await end(tab, 'Kill', there)

    await until('one', async () => !/Another tab/.test(await panel.innerText()))
    await client.close()
    await tab.page.context().close()
  })

  it('tells the tabs on both nodes that a feed is down, and also those that come later', async () => {
    const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
    const client = await clientOn(another(await nodeOf(tab)))
    const hears = (/** @type {(update: any) => boolean} */ isMeant) => until('an update at the client', () => client.received.some(isMeant))
    await client.request('feed', { symbol: SYMBOL, on: false })
    await until('an old price', () => tab.isOld(SYMBOL))

    for (const streamType of /** @type {const} */ (['PRICE', 'TRADES'])) client.subscribe(streamType, SYMBOL)
    await hears(({ type, status }) => type === 'status' && status === 'ERROR')
    await tab.feedDown.click()

    await hears(({ type, streamType, dropped }) => type === 'gap' && streamType === 'TRADES' && dropped === undefined)
    await tab.panel('Trades').getByText('Some trades missed').waitFor()
    await until('a new price', async () => !await tab.isOld(SYMBOL))
    await client.close()
    await tab.page.context().close()
  })
})
