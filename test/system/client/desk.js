import assert from 'node:assert/strict'
import { createAudit } from '../../../dist/testing.js'
import { launchedBrowser } from '../../support/chromium.js'
import { Network } from './network.js'
import { Server, TRADES } from './server.js'
import { Tab } from './tab.js'
import { until } from './until.js'

/** Playwright turns the back-forward cache off. */
const LAUNCH = { ignoreDefaultArgs: ['--disable-back-forward-cache'] }

/** A server, and tabs in a real Chromium behind a network. An audit compares what was published with what each tab heard. */
export class Desk {
  #browser
  #browserContextId = ''
  /** Name → tab. */
  #tabs = new Map()
  #audit = createAudit({ read })
  #published = 0

  /** @param {{ recovers?: boolean }} [options] of the server */
  static async open(options) {
    const server = await Server.start(options)
    const desk = new Desk(server, await (await launchedBrowser(LAUNCH)).newBrowserCDPSession())
    desk.network = await Network.to(() => desk.server.port)
    desk.#browserContextId = (await desk.#browser.send('Target.createBrowserContext')).browserContextId
    return desk
  }

  constructor(/** @type {Server} */ server, /** @type {import('playwright-core').CDPSession} */ browser) {
    this.server = server
    this.#browser = browser
  }

  /** Opens a tab whose client has the stream. Tabs share their cookies and their connections, as those of one user do. */
  async openTab({ name = 'tab', kind = 'WebSocket', ...times } = {}) {
    const tab = await Tab.open(this.#browser, this.#browserContextId, this.network.port, { kind, ...times })
    this.#tabs.set(name, tab)
    this.#audit.connected(name, 'alice')
    this.#audit.subscribed(name, TRADES)
    return tab
  }

  async closeTab(/** @type {string} */ name) {
    await this.#tabs.get(name).close()
    this.#tabs.delete(name)
    this.#audit.forget(name)
  }

  /** Publishes so many messages: 1, 2, 3 … */
  publish(/** @type {number} */ count) {
    for (const last = this.#published + count; this.#published < last; ) {
      const data = ++this.#published
      this.#audit.published({ ...TRADES, data })
      this.server.publish(data)
    }
  }

  /** Resolves when each tab has heard all that was published, once and in order, or has been told what is missing. */
  async isEven() {
    await until(async () => {
      for (const [name, tab] of this.#tabs) for (const update of await tab.takeUpdates()) this.#audit.received(name, update)
      return this.#audit.waiting === 0
    })
    assert.deepEqual(this.#audit.report().faults, [])
  }

  async close() {
    await this.#browser.send('Target.disposeBrowserContext', { browserContextId: this.#browserContextId })
    await this.#browser.detach()
    await this.network.close()
    await this.server.kill()
  }
}

/** Reads an update of a client for the audit. */
function read(text) {
  const { type, streamType, symbol, data, dropped, code } = JSON.parse(text)
  if (type === undefined) return { kind: 'message', streamType, symbol, data }
  if (type === 'gap') return { kind: 'notice', streamType, symbol, notice: { missed: dropped } }
  return code === undefined ? { kind: 'other' } : { kind: 'notice', streamType, symbol, notice: { ended: true } }
}
