import assert from 'node:assert/strict'
import { after, afterEach, beforeEach, describe, it } from 'node:test'
import { closeBrowser, openTab } from '../testing/browser.js'
import { startDesk } from '../testing/desk-process.js'
import { until } from '../testing/until.js'

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }

/** @type {Awaited<ReturnType<typeof startDesk>>} */
let desk

after(closeBrowser)

describe('a tab whose server goes', options, () => {
  beforeEach(async () => {
    desk = await startDesk()
  })

  afterEach(async () => {
    desk.signal('SIGKILL')
    await desk.ended
  })

  it('says so, comes back by itself with what was picked, and shows the orders that there are then', async () => {
    const tab = await openTab(`${desk.url}?user=alice&pick=ETHUSDT`)
    await tab.inThisTab('ADAUSDT').check()
    await tab.inAllTabs('XRPUSDT').check()
    await tab.pricesMove('XRPUSDT')
    await tab.place({ quantity: '1', limit: '1' })
    await until('an order', async () => (await tab.orders()).length === 1)

    desk.signal('SIGTERM')
    assert.equal(await desk.ended, 0)
    assert.equal(desk.said.at(-1), 'The desk is closed. Connections that left: 1, closed: 0, remained: 0.')
    await until('a tab that reconnects', async () => /Reconnecting|Connecting/.test(await tab.page.getByRole('banner').innerText()))
    assert.ok(await tab.page.getByRole('button', { name: 'Place order for ETHUSDT' }).isDisabled())
    const receivedBefore = tab.received.length

    desk = await startDesk(['--port', desk.port])
    await tab.says('Connected')
    await until('all that was picked', () => tab.symbolsReceived(receivedBefore).join() === 'ADAUSDT,ETHUSDT,XRPUSDT')
    for (const symbol of ['ADAUSDT', 'ETHUSDT', 'XRPUSDT']) await tab.pricesMove(symbol)
    await until('all that was picked in the panel', async () => /All tabs\s+XRPUSDT\s[^]*ETHUSDT, ADAUSDT, XRPUSDT/.test(await tab.panel('Tabs of alice').innerText()))
    assert.deepEqual(await tab.orders(), [])
    assert.equal(await tab.count('Trades missed, and not told'), 0)
    assert.deepEqual(tab.troubles, [])
    await tab.page.context().close()
  })

  it('connects at once when the machine is online again', async () => {
    const tab = await openTab(`${desk.url}?user=alice&pick=ETHUSDT`)
    desk.signal('SIGKILL')
    await desk.ended
    let attempts = 0
    tab.page.on('websocket', () => attempts++)
    // By then it waits for seconds.
    await until('a few attempts', () => attempts >= 3)
    await until('a tab that waits', async () => (await tab.page.getByRole('status').first().innerText()) === 'Reconnecting')

    const before = attempts
    await tab.page.evaluate(() => dispatchEvent(new Event('online')))

    await until('one more attempt', () => attempts > before)
    await tab.page.context().close()
  })

  it('is stale while the server says nothing, and not when it does', async () => {
    const tab = await openTab(`${desk.url}?user=alice&pick=ETHUSDT`)
    await tab.pricesMove('ETHUSDT')

    desk.signal('SIGSTOP')
    await tab.says('Stale')
    desk.signal('SIGCONT')

    await tab.says('Connected')
    await tab.pricesMove('ETHUSDT')
    await tab.page.context().close()
  })
})
