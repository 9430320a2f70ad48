import { until } from './until.js'

/** @import { Page } from 'playwright-core' */

/** @typedef {Record<string, any>} Wire a message as it stands on the wire */

/** What Chromium prints if a server is gone, or goes while the page sends. */
const EXPECTED = /ERR_CONNECTION_REFUSED|already in CLOSING or CLOSED state/

/** A tab of the desk, by what somebody finds on it who cannot see its source. */
export class Tab {
  page
  /** All that came over its WebSockets. @type {Wire[]} */
  received = []
  /** What went wrong in it, and what it asked for elsewhere. @type {string[]} */
  troubles = []

  /** @param {Page} page */
  constructor(page) {
    this.page = page
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => this.received.push(JSON.parse(String(payload))))
    })
    page.on('pageerror', (error) => this.troubles.push(error.message))
    page.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url())
      if (hostname !== '127.0.0.1' && protocol !== 'data:') this.troubles.push(`It asked for ${request.url()}`)
    })
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) this.troubles.push(message.text())
    })
  }

  /**
   * Lets no new connection through, or does so again.
   *
   * @param {boolean} isHeldBack
   */
  async holdBack(isHeldBack) {
    await this.page.evaluate((value) => Object.assign(globalThis, { isHeldBack: value }), isHeldBack)
  }

  /** @param {string} url */
  async open(url) {
    await this.page.addInitScript(holdBackSockets)
    await this.page.goto(url)
    await this.says('Connected')
    return this
  }

  /** @param {string} state of the connection */
  async says(state) {
    await this.page.getByText(state, { exact: true }).waitFor()
  }

  /** The nodes, and what came of the latest connection that was lost. */
  get nodes() {
    return this.page.getByRole('region', { name: 'Nodes', exact: true })
  }

  /** @param {string} title */
  panel(title) {
    return this.page.getByRole('region', { name: title, exact: true })
  }

  /** @param {string} symbol */
  row(symbol) {
    return this.panel('Market').getByRole('row').filter({ has: this.page.getByRole('button', { name: symbol, exact: true }) })
  }

  /** @param {string} symbol */
  price(symbol) {
    return this.row(symbol).getByRole('cell').first().innerText()
  }

  /**
   * Waits for so many different prices.
   *
   * @param {string} symbol
   * @param {number} [count]
   */
  async pricesMove(symbol, count = 3) {
    const seen = new Set()
    await until(`${count} prices of ${symbol} in the tab`, async () => {
      const price = await this.price(symbol)
      return price !== '–' && seen.add(price).size >= count
    })
  }

  /** @param {string} symbol */
  inThisTab(symbol) {
    return this.page.getByRole('checkbox', { name: `${symbol} in this tab`, exact: true })
  }

  /** @param {string} symbol */
  inAllTabs(symbol) {
    return this.page.getByRole('checkbox', { name: new RegExp(`^${symbol} in all tabs of`) })
  }

  get slow() {
    return this.page.getByRole('switch', { name: 'Slow' })
  }

  /** Of the symbol that is shown. */
  get feedDown() {
    return this.page.getByRole('switch', { name: 'Feed down' })
  }

  /**
   * Whether the price of a symbol is said to be old.
   *
   * @param {string} symbol
   */
  async isOld(symbol) {
    return /\bold\s+\(its feed is down\)/.test(await this.row(symbol).innerText())
  }

  /**
   * What stands beside a name in a panel.
   *
   * @param {string} title
   * @param {string} name
   */
  text(title, name) {
    return this.panel(title).locator('.figure', { hasText: name }).locator('dd').innerText()
  }

  /**
   * @param {string} name
   * @returns {Promise<number>}
   */
  async count(name) {
    return Number((await this.text('This tab', name)).replaceAll(',', ''))
  }

  /**
   * Places an order for the symbol that is shown.
   *
   * @param {{ side?: 'Buy' | 'Sell', quantity: string, limit?: string }} order
   */
  async place({ side = 'Buy', quantity, limit = '' }) {
    const form = this.page.getByRole('form')
    await form.getByRole('radio', { name: side }).check()
    await form.getByLabel('Quantity').fill(quantity)
    await form.getByLabel('Limit').fill(limit)
    await form.getByRole('button', { name: /^Place order/ }).click()
  }

  /** What stands in the list of orders. */
  orders() {
    return this.page.getByRole('region', { name: 'List of orders' }).getByRole('listitem').allInnerTexts()
  }

  /**
   * The symbols of which prices came.
   *
   * @param {number} [from] how many messages to leave out
   */
  symbolsReceived(from = 0) {
    const prices = this.received.slice(from).filter(({ stream_type: streamType }) => streamType === 'PRICE')
    return [...new Set(prices.map(({ symbol }) => symbol))].sort()
  }

  /** @param {number} count */
  async receivesMore(count) {
    const before = this.received.length
    await until(`${count} more messages`, () => this.received.length >= before + count)
  }
}

/** In the page: an attempt to connect fails while the test says so. */
function holdBackSockets() {
  globalThis.WebSocket = class extends WebSocket {
    /** @param {string | URL} url */
    constructor(url) {
      if (Reflect.get(globalThis, 'isHeldBack')) throw new Error('The network is down')
      super(url)
    }
  }
}
