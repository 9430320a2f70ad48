import assert from 'node:assert/strict'
import { after, afterEach, describe, it } from 'node:test'
import { deliveryLimits } from '../limits.js'
import { closeBrowser, openTab, openTestDesk } from '../testing/browser.js'
import { until } from '../testing/until.js'

/** @import { TestDesk } from '../testing/browser.js' */
/** @import { Tab } from '../testing/tab.js' */

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }
const THREE = 'pick=BTCUSDT,ETHUSDT,SOLUSDT'
const LARGEST_MESSAGE = 3_000

/** @type {TestDesk} */
let desk

/** @param {Tab} tab */
async function conflates(tab) {
  await until('prices that were conflated', async () => await tab.count('Conflated') > 20)
}

/** @param {Tab} tab */
async function recovers(tab) {
  await tab.slow.click()
  await until('a tab that keeps up', async () => await tab.text('This tab', 'State') === 'keeps up')
  assert.equal(desk.manager.stats().connectionsBehind, 0)
}

/**
 * The ids of the trades of a symbol that came, and how many are missing at each place where a notice says so.
 *
 * @param {Tab} tab
 * @param {string} symbol
 */
function tapeOf({ received }, symbol) {
  const ids = []
  const gaps = new Map()
  for (const message of received.filter((each) => each.stream_type === 'TRADES' && each.symbol === symbol)) {
    if (message.type === 'gap') gaps.set(ids.length, (gaps.get(ids.length) ?? 0) + message.dropped)
    else if (message.type === undefined) ids.push(message.data.id)
  }
  return { ids, gaps }
}

/**
 * That each trade came, in order, but for those that the notices tell of, to the number.
 *
 * @param {Tab} tab
 * @param {string} symbol
 */
function assertWholeOrTold(tab, symbol) {
  const { ids, gaps } = tapeOf(tab, symbol)
  for (let i = 1; i < ids.length; i++) {
    assert.equal(ids[i] - ids[i - 1] - 1, gaps.get(i) ?? 0, `between the trades ${ids[i - 1]} and ${ids[i]} of ${symbol}`)
  }
}

after(closeBrowser)

describe('a slow tab', options, () => {
  afterEach(() => desk.close())

  it('gets the newest prices and a tape with gaps, and recovers; no other tab feels it', async () => {
    desk = await openTestDesk()
    const slow = await openTab(desk.url(`?user=alice&${THREE}`))
    const quick = await openTab(desk.url(`?user=alice&${THREE}`))
    await slow.pricesMove('BTCUSDT')

    await slow.slow.click()
    await conflates(slow)
    await until('a row for what is missing', async () => await slow.panel('Trades').getByText(/^[\d,]+ trades? missed$/).count() > 0)
    await until('a tab that is behind', async () => await slow.text('This tab', 'State') === 'behind')
    assert.equal(await slow.slow.getAttribute('aria-checked'), 'true')
    await until('the other tab to know', async () => /slow line, behind/.test(await quick.panel('Tabs of alice').innerText()))

    await slow.place({ quantity: '0.001' })
    await until('an order that is filled though the tab is behind', async () => (await slow.orders())[0]?.includes('filled'))

    await recovers(slow)
    const conflated = await slow.count('Conflated')
    await slow.receivesMore(100)
    assert.equal(await slow.count('Conflated'), conflated, 'Nothing is conflated any more')
    assert.ok(await slow.count('Trades missed, and told') > 0)
    assert.equal(await slow.count('Trades missed, and not told'), 0)
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']) assertWholeOrTold(slow, symbol)

    assert.deepEqual([await quick.count('Conflated'), await quick.count('Trades missed, and told')], [0, 0])
    assert.equal(await quick.count('Trades missed, and not told'), 0)
    const { mostWaitingBytes } = desk.manager.stats()
    assert.ok(mostWaitingBytes < deliveryLimits('drop', 1).hardLimitBytes + LARGEST_MESSAGE, `${mostWaitingBytes} waited`)
    for (const { page, troubles } of [slow, quick]) {
      assert.deepEqual(troubles, [])
      await page.context().close()
    }
  })

  it('gets every trade, late, where the desk keeps trades', async () => {
    desk = await openTestDesk({ trades: 'keep' })
    const tab = await openTab(desk.url(`?user=alice&${THREE}`))
    await tab.pricesMove('BTCUSDT')

    await tab.slow.click()
    await conflates(tab)
    await recovers(tab)
    await tab.receivesMore(100)

    assert.equal(await tab.count('Trades missed, and told'), 0)
    assert.equal(await tab.count('Trades missed, and not told'), 0)
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']) {
      assert.equal(tapeOf(tab, symbol).gaps.size, 0)
      assertWholeOrTold(tab, symbol)
    }
    await tab.page.context().close()
  })

  it('is cut off where the desk keeps trades and it stays slow, is told why, and is back at once', async () => {
    desk = await openTestDesk({ trades: 'keep', speed: 20 })
    const tab = await openTab(desk.url(`?user=alice&${THREE}`))
    await tab.pricesMove('BTCUSDT')
    /** @type {string[]} */
    const reasons = []
    desk.manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))

    await tab.slow.click()
    await tab.page.getByRole('alert').getByText('it read too slowly').waitFor()

    await tab.says('Connected')
    assert.deepEqual(reasons, ['slow-consumer'])
    assert.equal(await tab.slow.getAttribute('aria-checked'), 'false')
    await tab.pricesMove('BTCUSDT')
    await tab.page.getByRole('button', { name: 'Dismiss' }).click()
    assert.equal(await tab.page.getByRole('alert').innerText(), '')
    await tab.page.context().close()
  })
})
