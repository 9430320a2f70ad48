/**
 * A page of a browser, driven by the DevTools protocol alone. Playwright keeps each of its own pages in the foreground, where none can be frozen, and does
 * not find a page again that comes out of the back-forward cache.
 */
export class PageTarget {
  #browser
  #targetId
  #sessionId = ''
  #lastId = 0
  /** Commands without an answer. */
  #open = new Map()

  /**
   * @param {import('playwright-core').CDPSession} browser
   * @param {string} browserContextId
   */
  static async open(browser, browserContextId) {
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank', browserContextId })
    const page = new PageTarget(browser, targetId)
    // Playwright knows no sessions in a session. So the messages of this one are texts in its messages.
    page.#sessionId = (await browser.send('Target.attachToTarget', { targetId, flatten: false })).sessionId
    await page.send('Network.enable')
    return page
  }

  constructor(browser, targetId) {
    this.#browser = browser
    this.#targetId = targetId
    browser.on('Target.receivedMessageFromTarget', this.#receive)
  }

  /** Sends a command, and returns its result. */
  async send(method, params = {}) {
    const id = ++this.#lastId
    const answered = new Promise((resolve) => this.#open.set(id, resolve))
    await this.#browser.send('Target.sendMessageToTarget', { sessionId: this.#sessionId, message: JSON.stringify({ id, method, params }) })
    const { result, error } = await answered
    if (error) throw new Error(`${method}: ${error.message}`)
    return result
  }

  /** Returns what an expression comes to in the page. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`)
    return result.value
  }

  /** Brings the page to the front. Another one is hidden then. */
  async show() {
    await this.#browser.send('Target.activateTarget', { targetId: this.#targetId })
  }

  async close() {
    await this.#browser.send('Target.closeTarget', { targetId: this.#targetId })
    this.#browser.off('Target.receivedMessageFromTarget', this.#receive)
  }

  #receive = ({ sessionId, message }) => {
    if (sessionId !== this.#sessionId) return
    const answer = JSON.parse(message)
    this.#open.get(answer.id)?.(answer)
    this.#open.delete(answer.id)
  }
}
