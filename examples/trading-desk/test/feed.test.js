import assert from 'node:assert/strict'
import { readdirSync, existsSync, readFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { recordedMarket } from '../market/recorded-market.js'
import { openDesk } from '../open-desk.js'
import { closeBrowser, openTab } from '../testing/browser.js'
import { until } from '../testing/until.js'

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }
/** Recordings lie beside the repository, and not in it. */
const FEEDS = fileURLToPath(new URL('../../../../shared/feeds/', import.meta.url))
const names = existsSync(FEEDS) ? readdirSync(FEEDS).filter((name) => name.endsWith('.ndjson')) : []

after(closeBrowser)

describe('a recorded feed', options, () => {
  it('is there to be played', { skip: names.length === 0 && 'there are no recordings in ../shared/feeds' }, () => {})

  for (const name of names) {
    it(`is shown: ${name}`, async () => {
      const desk = await openDesk(recordedMarket(readFileSync(FEEDS + name), name), { port: 0, speed: 5, trades: 'drop', nodes: 1 })
      const tab = await openTab(`http://127.0.0.1:${desk.port}/`)
      const { symbol } = await tab.page.evaluate(() => JSON.parse(document.getElementById('setup')?.textContent ?? '').instruments[0])

      await tab.pricesMove(symbol)
      await until('a book', async () => {
        const cells = await tab.panel('Top of the book').getByRole('cell').allInnerTexts()
        return cells.filter((text) => text !== '–').length > 20
      })
      await until('trades', async () => await tab.panel('Trades').getByRole('row').count() > 3)
      await tab.panel(symbol).getByText('The latest candles in figures').click()
      assert.equal(await tab.panel(symbol).getByRole('rowheader').count(), 8)
      assert.deepEqual(tab.troubles, [])
      await tab.page.context().close()
      await desk.close()
    })
  }
})
