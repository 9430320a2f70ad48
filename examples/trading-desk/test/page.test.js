import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { closeBrowser, openTab, openTestDesk } from '../testing/browser.js'
import { Tab } from '../testing/tab.js'
import { until } from '../testing/until.js'

/** @import { TestDesk } from '../testing/browser.js' */

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }

/** @type {TestDesk} */
let desk
/** @type {Tab[]} */
let tabs

/** @param {string} query */
async function open(query) {
  const tab = await openTab(desk.url(query))
  tabs.push(tab)
  return tab
}

/** @param {Tab} tab */
function orderUpdatesOf({ received }) {
  return received.filter(({ type, stream_type: streamType }) => type === undefined && streamType === 'ORDER_UPDATES')
}

after(closeBrowser)

describe('the page', options, () => {
  beforeEach(async () => {
    desk = await openTestDesk()
    tabs = []
  })

  afterEach(async () => {
    for (const { page } of tabs) await page.context().close()
    await desk.close()
    assert.deepEqual(tabs.flatMap(({ troubles }) => troubles), [])
  })

  it('begins with prices that move', async () => {
    const tab = await open('')

    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']) await tab.pricesMove(symbol)
  })

  it('subscribes to a symbol that is picked, and its price moves; and ends that', async () => {
    const tab = await open('?user=alice&pick=BTCUSDT')
    assert.equal(await tab.price('XRPUSDT'), '–')
    assert.deepEqual(desk.manager.getSubscribers('PRICE', 'XRPUSDT'), [])

    await tab.inThisTab('XRPUSDT').check()
    await tab.pricesMove('XRPUSDT')
    for (const streamType of ['PRICE', 'ORDERBOOK', 'CANDLES', 'TRADES']) {
      assert.deepEqual(desk.manager.getSubscribers(streamType, 'XRPUSDT'), ['alice'])
    }

    await tab.inThisTab('XRPUSDT').uncheck()
    await until('no price of XRPUSDT', async () => await tab.price('XRPUSDT') === '–')
    assert.deepEqual(desk.manager.getSubscribers('PRICE', 'XRPUSDT'), [])
  })

  it('keeps what was picked in its address', async () => {
    const tab = await open('?user=bob&pick=BTCUSDT')

    await tab.inThisTab('ADAUSDT').check()
    await tab.page.reload()

    await tab.pricesMove('ADAUSDT')
    assert.equal(new URL(tab.page.url()).search, '?user=bob&pick=BTCUSDT,ADAUSDT')
  })

  it('shows a symbol by its name: its chart with a history, its book and its trades', async () => {
    const tab = await open('?user=alice&pick=BTCUSDT')

    await tab.row('ETHUSDT').getByRole('button').click()
    const chart = tab.panel('ETHUSDT')
    await chart.getByText('The latest candles in figures').click()
    const times = await until('the latest candles', async () => {
      const rows = await chart.getByRole('rowheader').allInnerTexts()
      return rows.length === 8 && rows
    })
    await until('a whole book', async () => await tab.panel('Top of the book').getByRole('cell', { name: '–' }).count() === 0)
    await until('some trades', async () => await tab.panel('Trades').getByRole('row').count() > 5)

    const seconds = times.map((time) => Number(time.slice(-2)))
    assert.deepEqual(seconds.slice(1).map((second, i) => (second - seconds[i] + 60) % 60), Array(7).fill(2))
    const histories = tab.received.filter(({ type, data }) => type === 'result' && Array.isArray(data) && data.length === 60)
    assert.equal(histories.length, 2, 'one of each symbol')
  })

  it('has an order filled by the market, and another cancelled', async () => {
    const tab = await open('?user=alice&pick=BTCUSDT')

    await tab.place({ quantity: '0.001' })
    await until('a filled order', async () => /filled\s+0\.001 at 8\d,/.test((await tab.orders())[0] ?? ''))
    await tab.place({ side: 'Sell', quantity: '2', limit: '90000000' })
    await tab.page.getByRole('button', { name: 'Cancel order 2' }).click()
    await until('a cancelled order', async () => /sell 2 BTCUSDT[^]*cancelled/.test((await tab.orders())[0] ?? ''))
  })

  it('says why an order is refused', async () => {
    const tab = await open('?user=alice&pick=BTCUSDT')

    await tab.place({ quantity: '1e300' })

    await tab.page.getByRole('alert').getByText('Refused: the quantity must be above 0').waitFor()
    assert.deepEqual(await tab.orders(), [])
  })

  it('never shows or receives the orders of a second user', async () => {
    const alice = await open('?user=alice&pick=BTCUSDT')
    const bob = await open('?user=bob&pick=BTCUSDT')

    await alice.place({ quantity: '0.001' })
    await alice.place({ quantity: '3', limit: '1' })
    await until('the orders of alice', async () => (await alice.orders()).length === 2)
    await bob.place({ side: 'Sell', quantity: '0.002' })
    await until('the order of bob', async () => (await bob.orders())[0]?.includes('filled'))
    const late = await open('?user=carol&pick=BTCUSDT')

    assert.equal((await bob.orders()).length, 1)
    assert.equal((await alice.orders()).length, 2)
    assert.deepEqual(await late.orders(), [])
    const owners = [alice, bob, late].map((tab) => [...new Set(orderUpdatesOf(tab).map((message) => message.user_id))])
    assert.deepEqual(owners, [['alice'], ['bob'], []])
  })

  it('gives two tabs of one user what each asked for, and both what was asked for all', async () => {
    const one = await open('?user=alice&pick=BTCUSDT')
    const other = await open('?user=alice&pick=ETHUSDT')
    const stranger = await open('?user=bob&pick=')

    await one.inAllTabs('SOLUSDT').check()
    for (const tab of [one, other]) await tab.pricesMove('SOLUSDT')
    await Promise.all([one.receivesMore(100), other.receivesMore(100)])

    assert.deepEqual(one.symbolsReceived(), ['BTCUSDT', 'SOLUSDT'])
    assert.deepEqual(other.symbolsReceived(), ['ETHUSDT', 'SOLUSDT'])
    assert.deepEqual(stranger.symbolsReceived(), [])
    assert.ok(await other.inAllTabs('SOLUSDT').isChecked())
    const panel = await until('what both hear', async () => {
      const text = await one.panel('Tabs of alice').innerText()
      return (text.match(/, SOLUSDT/g) ?? []).length === 2 && text
    })
    assert.match(panel, /All tabs\s+SOLUSDT\s/)
    assert.match(panel, /This tab[^]*BTCUSDT, SOLUSDT\s[^]*Another tab[^]*ETHUSDT, SOLUSDT/)

    await other.inAllTabs('SOLUSDT').uncheck()
    for (const tab of [one, other]) await until('no price of SOLUSDT', async () => await tab.price('SOLUSDT') === '–')
    assert.deepEqual(desk.manager.getSubscribers('PRICE', 'SOLUSDT'), [])
  })

  it('shows the orders of a user in each of their tabs', async () => {
    const one = await open('?user=alice&pick=BTCUSDT')
    const other = await open('?user=alice&pick=ETHUSDT')

    await one.place({ quantity: '1', limit: '1' })

    await until('the order in the other tab', async () => (await other.orders())[0]?.includes('BTCUSDT'))
    await other.page.getByRole('button', { name: 'Cancel order 1' }).click()
    await until('its end in the first', async () => (await one.orders())[0]?.includes('cancelled'))
  })

  it('cleans up on the server when it is closed', async () => {
    const staying = await open('?user=alice&pick=BTCUSDT')
    const leaving = await open('?user=alice&pick=ETHUSDT')
    await leaving.inAllTabs('SOLUSDT').check()
    await staying.pricesMove('SOLUSDT')
    await leaving.pricesMove('ETHUSDT')

    await leaving.page.close()
    await until('one connection', () => desk.manager.connectionCount === 1)
    assert.deepEqual(desk.manager.getSubscribers('PRICE', 'ETHUSDT'), [])
    assert.deepEqual(desk.manager.getSubscribers('PRICE', 'SOLUSDT'), ['alice'], 'what all tabs hear stays with the one that is left')

    await staying.page.close()
    await until('no connection', () => desk.manager.connectionCount === 0)
    const { userCount, subscriptionCount, streamCount } = desk.manager
    assert.deepEqual({ userCount, subscriptionCount, streamCount }, { userCount: 0, subscriptionCount: 0, streamCount: 0 })
  })

  it('greys out the price of a feed that is down, in each tab and in one that comes later, until the feed is back', async () => {
    const one = await open('?user=alice&pick=BTCUSDT')
    const other = await open('?user=bob&pick=BTCUSDT,ETHUSDT')
    for (const tab of [one, other]) await tab.pricesMove('BTCUSDT')

    await one.feedDown.click()
    for (const tab of [one, other]) await until('an old price', () => tab.isOld('BTCUSDT'))
    const newcomer = await open('?user=carol&pick=BTCUSDT')
    const tabs = [one, other, newcomer]
    await until('a price that was old from the beginning', async () => await newcomer.isOld('BTCUSDT') && await newcomer.price('BTCUSDT') !== '–')
    const prices = await Promise.all(tabs.map((tab) => tab.price('BTCUSDT')))
    await other.pricesMove('ETHUSDT')

    assert.deepEqual(await Promise.all(tabs.map((tab) => tab.price('BTCUSDT'))), prices, 'it does not move')
    for (const { page } of tabs) await page.getByRole('status').getByText('The feed of BTCUSDT is down: its price is old.').waitFor()
    assert.equal(await other.isOld('ETHUSDT'), false)
    const colours = await other.page.evaluate(() => [...document.querySelectorAll('.watch .price')].slice(0, 2).map((price) => getComputedStyle(price).color))
    const grey = await other.page.evaluate(() => getComputedStyle(/** @type {Element} */ (document.querySelector('.watch thead th'))).color)
    assert.deepEqual(colours.map((colour) => colour === grey), [true, false])

    // Newer trades soon push this row out.
    const told = Promise.all(tabs.map((tab) => tab.panel('Trades').getByText('Some trades missed').waitFor()))
    await one.feedDown.click()
    await told
    for (const tab of tabs) {
      await tab.pricesMove('BTCUSDT')
      assert.equal(await tab.isOld('BTCUSDT'), false)
      assert.equal(await tab.count('Trades missed, and not told'), 0)
    }
  })

  it('shows what the manager knows, and that it adds up', async () => {
    const tab = await open('?user=alice&pick=BTCUSDT,ETHUSDT')
    await open('?user=bob&pick=BTCUSDT')

    const manager = tab.panel('What the manager knows')
    await until('two connections', async () => /Connections\s+1\s+2\s/.test(await manager.innerText()))
    // Four streams of each symbol, and the five that every tab hears.
    await until('their subscriptions', async () => /Subscriptions\s+13\s+22\s/.test(await manager.innerText()))
    await tab.receivesMore(100)
    assert.equal(await tab.text('What the manager knows', 'Adds up'), 'yes')
  })

  it('puts two tabs of one user side by side', async () => {
    const context = (await open('?user=bob&pick=')).page.context()
    const page = await context.newPage()
    await page.goto(desk.url('side-by-side?user=carol'))
    const [one, other] = ['First', 'Second'].map((which) => page.frameLocator(`iframe[title="${which} tab of carol"]`))

    for (const frame of [one, other]) await frame.getByText('Connected', { exact: true }).waitFor()
    await one.getByRole('checkbox', { name: 'ADAUSDT in all tabs of carol' }).check()

    for (const frame of [one, other]) {
      const row = frame.getByRole('row').filter({ has: page.getByRole('button', { name: 'ADAUSDT' }) })
      await until('a price of ADAUSDT', async () => /0\.\d{4}/.test(await row.innerText()))
    }
    assert.equal(desk.manager.getUserConnections('carol').length, 2)
  })
})
