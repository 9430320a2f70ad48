import { setTimeout } from 'node:timers/promises'
import { PageTarget } from './page-target.js'
import { until } from './until.js'

/** Times of a client that comes back soon, and takes nothing for silence, however slow the machine is. Milliseconds. */
const PATIENT = { pingMs: 60_000, pongMs: 60_000, connectTimeoutMs: 60_000, minMs: 50, maxMs: 200 }

/** Times of a client that soon notices silence. Milliseconds. */
export const QUICK = { pingMs: 500, pongMs: 500, connectTimeoutMs: 1_000 }

/** A page with a client: see `page.js`. */
export class Tab {
  #page
  #taken = 0

  /**
   * Opens a page whose client has the stream.
   *
   * @param {import('playwright-core').CDPSession} browser
   * @param {string} browserContextId
   * @param {number} port
   * @param {object} options of the client
   */
  static async open(browser, browserContextId, port, options) {
    const tab = new Tab(await PageTarget.open(browser, browserContextId))
    await tab.go(`http://127.0.0.1:${port}/page?${new URLSearchParams({ ...PATIENT, ...options })}`)
    await tab.isLive()
    return tab
  }

  constructor(/** @type {PageTarget} */ page) {
    this.#page = page
  }

  /** Resolves to what an expression comes to in the page. */
  get(expression) {
    return this.#page.evaluate(expression)
  }

  /** Resolves to all that was heard: the data of messages, and the types of other updates. */
  async heard() {
    const updates = await this.get('page.updates')
    return updates.map((text) => JSON.parse(text)).map(({ type, data }) => type ?? data)
  }

  /** Resolves to the updates that came since the last call. */
  async takeUpdates() {
    const updates = await this.get(`page.updates.slice(${this.#taken})`)
    this.#taken += updates.length
    return updates
  }

  /** Resolves when the client has been in a state, with a reason: `waiting: silent`. */
  was(state) {
    return until(async () => (await this.get('page.states')).includes(state))
  }

  /** Resolves when the client has the stream. */
  isLive() {
    return until(() => this.get('globalThis.page?.subscription.live'))
  }

  go(url) {
    return this.#page.send('Page.navigate', { url })
  }

  async goBack() {
    const { entries, currentIndex } = await this.#page.send('Page.getNavigationHistory')
    await this.#page.send('Page.navigateToHistoryEntry', { entryId: entries[currentIndex - 1].id })
  }

  /** Sets whether the browser lets the page have a network. */
  setOffline(offline) {
    return this.#page.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 })
  }

  /** Brings the tab to the front. The other one is hidden then. */
  show() {
    return this.#page.show()
  }

  isHidden() {
    return until(() => this.get('document.hidden'))
  }

  /** Freezes the page, as a browser does with a tab in the background, while something happens and for so many milliseconds more. */
  async whileFrozen(act, ms = 0) {
    await this.#page.send('Page.setWebLifecycleState', { state: 'frozen' })
    await until(async () => (await this.get('page.lifecycle')).includes('freeze'))
    act()
    // The browser has no clock that a test could set.
    await setTimeout(ms)
    await this.#page.send('Page.setWebLifecycleState', { state: 'active' })
  }

  close() {
    return this.#page.close()
  }
}
