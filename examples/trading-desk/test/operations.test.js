import assert from 'node:assert/strict'
import { after, afterEach, describe, it } from 'node:test'
import { closeBrowser, openTab, openTestDesk } from '../testing/browser.js'
import { connect } from '../testing/client.js'
import { until } from '../testing/until.js'

/** @import { TestDesk } from '../testing/browser.js' */
/** @import { Client } from '../testing/client.js' */
/** @import { Tab } from '../testing/tab.js' */

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }
/** Few trades, so that all that come during a test are on the tape. */
const SYMBOL = 'DOGEUSDT'
const SPEED = 0.4
const GRACE_MS = 300
const ORDER = { symbol: SYMBOL, side: 'buy', quantity: 1, limit: 0.01 }

/** @type {TestDesk} */
let desk

/** @param {Tab} tab */
function nodeOf(tab) {
  return until('a node that serves the tab', async () => (/Node (\w) serves this tab/.exec(await tab.nodes.innerText()))?.[1])
}

/**
 * Clients of a user on a node. Those who connect one after the other get to one node after the other.
 *
 * @param {string} user
 * @param {string} node
 * @param {number} count
 * @returns {Promise<Client[]>}
 */
async function clientsOn(user, node, count) {
  /** @type {Client[]} */
  const clients = []
  await until(`${count} clients on node ${node}`, async () => {
    const { client, node: actual } = await connect(desk.port, `user=${user}`)
    if (actual === node) clients.push(client)
    else await client.close()
    return clients.length === count
  })
  return clients
}

/** @param {string} user */
function orderStates(user) {
  return desk.exchange.ordersOf(user).map(({ state }) => state)
}

/** @param {string} user */
function isCancelled(user) {
  return until(`a cancelled order of ${user}`, () => orderStates(user).includes('cancelled'))
}

/** @param {Tab} tab */
async function placeFarOrder(tab) {
  await tab.place({ quantity: '1', limit: '0.01' })
  await until('an order', async () => (await tab.orders())[0]?.includes('open'))
}

/** What the page's own list of trades has, oldest first. @param {Tab} tab */
async function tape(tab) {
  // All rows at once, because they move.
  const ids = await tab.panel('Trades').locator('tbody tr').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-id')))
  return ids.map((id) => id ?? 'gap').reverse()
}

/** The ids of the trades that the exchange publishes from now on. */
function publishedTrades() {
  /** @type {number[]} */
  const ids = []
  const publish = desk.manager.publish.bind(desk.manager)
  desk.manager.publish = (/** @type {any} */ message) => {
    if (message.streamType === 'TRADES' && message.symbol === SYMBOL) ids.push(message.data.id)
    return publish(message)
  }
  return ids
}

after(closeBrowser)
afterEach(() => desk.close())

describe('a node that drains', options, () => {
  it('shows on the tabs of the other node how many connections are left, until it is down', async () => {
    desk = await openTestDesk({ nodes: 2 })
    const tab = await openTab(desk.url('?user=alice'))
    const here = await nodeOf(tab)
    const there = here === 'A' ? 'B' : 'A'
    await clientsOn('bob', there, 6)

    await tab.page.getByRole('button', { name: `Stop node ${there}` }).click()

    await tab.nodes.getByText(/^drains: [1-5] of 6 connections left$/).waitFor()
    assert.ok(await tab.page.getByRole('progressbar', { name: `Drain of node ${there}` }).isVisible())
    assert.ok(await tab.page.getByRole('button', { name: `Stop node ${there}` }).isDisabled())
    await until('the end of the node', async () => (await tab.nodes.innerText()).includes(`Node ${there} is down`))
    assert.equal(await tab.page.getByRole('progressbar').count(), 0)
    assert.deepEqual([await nodeOf(tab), tab.troubles], [here, []])
    await tab.page.context().close()
  })

  it('shows that also to its own tabs, as long as they are there', async () => {
    desk = await openTestDesk()
    const tab = await openTab(desk.url('?user=alice'))
    await clientsOn('bob', 'A', 4)
    const drains = tab.nodes.getByText(/^drains: \d of 5 connections left$/).waitFor()

    const closed = desk.close()

    await drains
    assert.match(await closed, /^Connections that left: 5, closed: 0, remained: 0\.$/)
    await tab.page.context().close()
  })
})

describe('the metrics', options, () => {
  it('come while the panel is open, and move', async () => {
    desk = await openTestDesk()
    const tab = await openTab(desk.url('?user=alice'))
    const came = () => tab.received.filter(({ stream_type: streamType }) => streamType === 'METRICS').length
    const value = async (/** @type {string} */ name) => Number((await tab.text('Metrics', name)).replaceAll(',', ''))
    assert.equal(came(), 0)
    const summary = tab.panel('Metrics').getByText('Of node A, once a second')

    await summary.click()

    await until('the series', async () => await tab.panel('Metrics').locator('.figure').count() > 10)
    await until('the first values', async () => await value('connection.count') === 1)
    const sent = await value('message.deliveries sent')
    await until('more messages', async () => await value('message.deliveries sent') > sent)
    const [client] = await clientsOn('bob', 'A', 1)
    await until('another connection', async () => await value('connection.count') === 2)
    await client.close()
    await until('its end', async () => await value('connection.count') === 1 && await value('connection.removals peer-closed') === 1)

    await summary.click()

    await until('no subscription to them', () => desk.manager.connectionsOf('METRICS')[Symbol.iterator]().next().done)
    assert.deepEqual(tab.troubles, [])
    await tab.page.context().close()
  })
})

describe('a heartbeat', options, () => {
  it('shows when the browser answered a ping last', async () => {
    desk = await openTestDesk()
    const tab = await openTab(desk.url('?user=alice'))
    const panel = tab.panel('Tabs of alice')
    await panel.getByText('no ping answered yet').waitFor()

    await panel.getByText(/^answered a ping \d+ s ago$/).waitFor()

    await tab.page.context().close()
  })
})

describe('the orders of a user who is gone', options, () => {
  it('are cancelled after the grace, and the page says so when the user is back', async () => {
    desk = await openTestDesk({ graceMs: GRACE_MS })
    const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
    await placeFarOrder(tab)

    await tab.holdBack(true)
    for (const connection of desk.manager.connections()) void connection.remove({ code: 1012 })
    await isCancelled('alice')
    assert.match((await tab.orders())[0], /open/)
    await tab.holdBack(false)

    await until('what became of the order', async () => /cancelled: you were gone/.test((await tab.orders())[0] ?? ''))
    const later = await openTab(desk.url('?user=alice'))
    await until('the order in a new tab', async () => /cancelled: you were gone/.test((await later.orders())[0] ?? ''))
    assert.deepEqual([tab.troubles, later.troubles], [[], []])
    for (const { page } of [tab, later]) await page.context().close()
  })

  it('stay while the user has a tab on another node', async () => {
    desk = await openTestDesk({ nodes: 2, graceMs: GRACE_MS })
    const [[alice], [elsewhere], [bob]] = [await clientsOn('alice', 'A', 1), await clientsOn('alice', 'B', 1), await clientsOn('bob', 'A', 1)]
    for (const client of [alice, bob]) await client.request('place', ORDER)

    // The grace of Alice ends first.
    await alice.close()
    await bob.close()

    await isCancelled('bob')
    assert.deepEqual(orderStates('alice'), ['open'])
    await elsewhere.close()
    await isCancelled('alice')
  })

  for (const word of /** @type {const} */ (['Stop', 'Kill'])) {
    it(`are cancelled also if the user does not come back after a ${word}, and stay if the user does`, async () => {
      desk = await openTestDesk({ nodes: 2, graceMs: 3_000 })
      const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
      const node = await nodeOf(tab)
      await placeFarOrder(tab)
      const [bob] = await clientsOn('bob', node, 1)
      await bob.request('place', ORDER)

      await tab.page.getByRole('button', { name: `${word} node ${node}` }).click()

      await tab.nodes.getByText(new RegExp(`^Moved from node ${node} to `)).waitFor()
      await isCancelled('bob')
      assert.deepEqual(orderStates('alice'), ['open'])
      await tab.page.context().close()
    })
  }
})

describe('a connection at the end of its lifetime', options, () => {
  it('is replaced by another one, and the page misses nothing', async () => {
    desk = await openTestDesk({ speed: SPEED, lifetimeMs: 2_000 })
    const published = publishedTrades()
    const tab = await openTab(desk.url(`?user=alice&pick=${SYMBOL}`))
    await until('trades', async () => (await tape(tab)).length >= 2)

    await tab.holdBack(true)
    await until('the end of the connection', async () => await tab.page.getByRole('status').first().innerText() !== 'Connected')
    const before = published.length
    await until('trades that the tab does not get', () => published.length >= before + 3)
    await tab.holdBack(false)

    await tab.nodes.getByText(/^Reconnected to node A after .* \(lifetime\): \d+ streams resumed, \d+ messages replayed, no gap\.$/).waitFor()
    await until('a trade that was published later', async () => Number((await tape(tab)).at(-1)) > published[before + 2])
    const shown = await tape(tab)
    const first = published.indexOf(Number(shown[0]))
    assert.deepEqual(shown, published.slice(first, first + shown.length).map(String))
    assert.deepEqual([await tab.count('Trades missed, and told'), await tab.count('Trades missed, and not told'), tab.troubles], [0, 0, []])
    await tab.page.context().close()
  })
})
