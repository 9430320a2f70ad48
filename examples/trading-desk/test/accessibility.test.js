import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import { closeBrowser, openTab, openTestDesk } from '../testing/browser.js'
import { until } from '../testing/until.js'

/** @import { Page } from 'playwright-core' */
/** @import { TestDesk } from '../testing/browser.js' */
/** @import { Tab } from '../testing/tab.js' */

// A deadlock is to end as a failure.
const options = { timeout: 180_000 }
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const LARGEST_SHIFT = 0.05
const MOST_TABS = 80
const SCHEMES = /** @type {const} */ (['light', 'dark'])
const WIDTHS = [1280, 390]

/** @type {TestDesk} */
let desk

/** @param {Page} page */
async function violations(page) {
  await page.evaluate(AXE)
  // @ts-expect-error it is there now
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.map((/** @type {any} */ node) => node.target).join(', ')}`)
}

/**
 * Begins to add up by how much what is there already moves, unless somebody's doing moves it.
 *
 * @param {Tab} tab
 */
async function watchShifts({ page }) {
  await page.evaluate(() => {
    const sum = { value: 0 }
    Object.assign(globalThis, { sum })
    new PerformanceObserver((list) => {
      for (const entry of /** @type {any[]} */ (list.getEntries())) if (!entry.hadRecentInput) sum.value += entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  // @ts-expect-error it is there now
  return () => page.evaluate(() => globalThis.sum.value)
}

/**
 * Goes on from one thing to the next by the Tab key until it is at the one that is meant.
 *
 * @param {Tab} tab
 * @param {string} name
 */
async function tabTo({ page }, name) {
  for (let i = 0; i < MOST_TABS; i++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const element = /** @type {HTMLElement} */ (document.activeElement)
      const label = element.getAttribute('aria-label') ?? element.closest('label')?.textContent ?? element.textContent
      // A radio button is as large as its label, which shows the focus in its stead.
      const shows = [element, element.nextElementSibling].some((each) => each && getComputedStyle(each).outlineStyle === 'solid')
      return { label, shows, name: element.tagName }
    })
    assert.ok(focused.shows || focused.name === 'BODY', `${focused.label} shows that it has the focus`)
    if (focused.label === name) return
  }
  throw new Error(`${name} is not reached by the keyboard`)
}

before(async () => {
  // The quicker the market, the sooner a slow tab is behind.
  desk = await openTestDesk({ speed: 4 })
})

after(async () => {
  await closeBrowser()
  await desk.close()
})

describe('a slow tab with orders, a refusal, metrics and a help text that is open', options, () => {
  /** @type {Tab} */
  let tab

  before(async () => {
    tab = await openTab(desk.url(), { reducedMotion: 'no-preference' })
    await tab.place({ quantity: '0.001' })
    await tab.place({ side: 'Sell', quantity: '1', limit: '9000000' })
    await tab.place({ quantity: '1e300' })
    await tab.page.getByRole('alert').getByText('Refused').waitFor()
    await tab.slow.click()
    await tab.panel('Trades').getByText(/trades? missed/).first().waitFor()
    await tab.panel('Metrics').getByText('once a second').click()
    await until('metrics', async () => await tab.panel('Metrics').locator('.figure').count() > 0)
    await tab.page.getByRole('button', { name: 'Trades: what one sees here' }).click()
  })

  after(() => tab.page.context().close())

  for (const colorScheme of SCHEMES) {
    for (const width of WIDTHS) {
      it(`violates no rule of axe, and fits, where it is ${colorScheme} and ${width} pixels wide`, async () => {
        const { page } = tab
        await page.emulateMedia({ colorScheme })
        await page.setViewportSize({ width, height: 844 })

        assert.deepEqual(await violations(page), [])
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0)
        assert.ok(await page.locator('.help:popover-open').isVisible())
      })
    }
  }
})

describe('the page', options, () => {
  it('violates no rule of axe side by side', async () => {
    const { page } = await openTab(desk.url())
    await page.goto(desk.url('side-by-side'))
    await page.frameLocator('iframe').last().getByText('Connected', { exact: true }).waitFor()

    assert.deepEqual(await violations(page), [])
    await page.context().close()
  })

  it('violates no rule of axe where a feed is down, and tells of it', async () => {
    const { page } = await openTab(desk.url('?user=bob&pick=ETHUSDT'))
    await page.getByRole('switch', { name: 'Feed down' }).click()
    await page.getByRole('status').getByText('The feed of ETHUSDT is down: its price is old.').waitFor()

    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await violations(page), [], colorScheme)
    }
    await page.context().close()
  })

  for (const width of WIDTHS) {
    it(`does not jump, ${width} pixels wide`, async () => {
      const tab = await openTab(desk.url(), { viewport: { width, height: 844 } })
      const shifts = await watchShifts(tab)
      const other = await openTab(desk.url())

      await other.place({ quantity: '1', limit: '1' })
      await other.inAllTabs('XRPUSDT').check()
      await tab.slow.click()
      await tab.panel('Trades').getByText(/trades? missed/).first().waitFor()
      await tab.slow.click()
      await tab.pricesMove('XRPUSDT')
      await other.page.close()
      await tab.receivesMore(200)

      const shift = await shifts()
      assert.ok(shift < LARGEST_SHIFT, `it shifts by ${shift}`)
      await Promise.all([tab, other].map(({ page }) => page.context().close()))
    })
  }

  it('is used by the keyboard alone: to pick a symbol, place an order, and flip the slow switch', async () => {
    const tab = await openTab(desk.url('?user=carol&pick='))
    const { keyboard } = tab.page

    await tabTo(tab, 'DOGEUSDT in this tab')
    await keyboard.press('Space')
    await tab.pricesMove('DOGEUSDT')
    await tabTo(tab, 'Slow')
    await keyboard.press('Space')
    await until('a slow tab', async () => await tab.slow.getAttribute('aria-checked') === 'true')
    await keyboard.press('Enter')
    await until('a quick tab', async () => await tab.slow.getAttribute('aria-checked') === 'false')
    await tabTo(tab, 'Buy')
    await keyboard.press('ArrowRight')
    await tabTo(tab, 'Quantity')
    await keyboard.press('Control+A')
    await keyboard.type('7')
    await keyboard.press('Enter')
    await until('an order', async () => (await tab.orders())[0]?.startsWith('sell 7 BTCUSDT'))
    await tab.page.context().close()
  })

  it('keeps still what is read aloud while prices move, and tells of an order', async () => {
    const tab = await openTab(desk.url('?user=carol&pick=BTCUSDT'))
    await tab.page.evaluate(() => {
      const said = /** @type {string[]} */ ([])
      Object.assign(globalThis, { said })
      for (const region of document.querySelectorAll('[role=status], [role=alert]')) {
        new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true, characterData: true, subtree: true })
      }
    })
    // @ts-expect-error it is there now
    const said = () => tab.page.evaluate(() => /** @type {string[]} */ (globalThis.said))

    await tab.receivesMore(100)
    assert.deepEqual(await said(), [])

    await tab.place({ quantity: '0.001' })
    await until('word of the order', async () => (await said()).at(-1)?.includes('buy 0.001 BTCUSDT: filled, 0.001 at'))
    await tab.page.context().close()
  })

  for (const reducedMotion of /** @type {const} */ (['reduce', 'no-preference'])) {
    it(`${reducedMotion === 'reduce' ? 'does not light up' : 'lights up'} prices that move where motion is: ${reducedMotion}`, async () => {
      const tab = await openTab(desk.url(), { reducedMotion })
      await tab.pricesMove('BTCUSDT')

      // In one go: the element is another with each move.
      const animations = await tab.page.evaluate(() => [...document.querySelectorAll('.moved')].map((price) => getComputedStyle(price).animationName))

      assert.ok(animations.length > 0)
      assert.equal(animations.every((name) => name === 'none'), reducedMotion === 'reduce')
      await tab.page.context().close()
    })
  }
})
