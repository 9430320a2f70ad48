import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { after, describe, it } from 'node:test'
import { EventSource } from 'eventsource'
import { ManualClock } from 'stream-connection-manager/testing'
import { listen } from '../../../examples/hosts/sse-resume.ts'
import { closeBrowser, launchedBrowser } from '../../support/chromium.js'
import { expectNothingLeftOpen } from './nothing-left-open.ts'
import { AT_ONCE } from './recipe-tests.ts'

/** @import { Listening } from '../../../examples/hosts/listening.ts' */

const TRADES = /** @type {const} */ ({ streamType: 'TRADES', symbol: 'BTCUSDT' })

/**
 * A client of one stream that does nothing but log what it gets: `subscribed recovered:null`, `close ERR_UNKNOWN_STREAM`, or the data of a message. The
 * resuming is that of its `EventSource`.
 *
 * @typedef {object} Client
 * @property {(line: string) => Promise<string[]>} logged waits for this line, and returns all lines up to now
 */

/**
 * Logs what an event source gets. It runs in a browser too, so it refers to nothing outside of itself.
 *
 * @param {string} url
 * @param {typeof EventSource} [EventSourceOfTheirs]
 */
function follow(url, EventSourceOfTheirs = /** @type {any} */ (globalThis).EventSource) {
  /** @type {string[]} */
  const lines = []
  let look = () => {}
  const log = (/** @type {string} */ line) => {
    lines.push(line)
    look()
  }
  const source = new EventSourceOfTheirs(url)
  source.onmessage = ({ data }) => {
    const { type, recovered, data: payload } = JSON.parse(data)
    if (type !== 'welcome') log(type === undefined ? String(payload) : `${type} recovered:${recovered}`)
  }
  source.addEventListener('close', ({ data }) => {
    source.close()
    log(`close ${JSON.parse(data).reason}`)
  })
  const logged = (/** @type {string} */ line) => new Promise((resolve) => {
    look = () => lines.includes(line) && resolve([...lines])
    look()
  })
  return { logged, close: () => source.close() }
}

after(closeBrowser)

/** @type {(url: string, test: import('node:test').TestContext) => Promise<Client>} */
async function inChromium(url, test) {
  const page = await (await launchedBrowser()).newPage()
  test.after(() => page.close())
  // An empty page of the same origin.
  await page.route('**/page', (route) => route.fulfill({ contentType: 'text/html', body: '<title>page</title>' }))
  await page.goto(new URL('/page', url).href)
  const client = await page.evaluateHandle(follow, url)
  return { logged: (line) => client.evaluate(({ logged }, wanted) => logged(wanted), line) }
}

/** @type {(url: string, test: import('node:test').TestContext) => Promise<Client>} */
async function inNode(url, test) {
  const client = follow(url, EventSource)
  test.after(client.close)
  return /** @type {Client} */ (client)
}

/** @param {Listening} server */
const urlOf = ({ port }, stream = 'TRADES:BTCUSDT') => `http://127.0.0.1:${port}/?user=alice&stream=${stream}`

function publish(/** @type {Listening} */ { manager }, /** @type {unknown[]} */ ...trades) {
  for (const data of trades) manager.publish({ ...TRADES, data })
}

/** Cuts off all clients, as a lost network does. */
function cut(/** @type {Listening} */ { manager }) {
  for (const { socket } of manager.connections()) /** @type {any} */ (socket).terminate()
}

for (const [name, open] of /** @type {const} */ ([['Chromium', inChromium], ['eventsource in Node', inNode]])) {
  describe(`a plain EventSource: ${name}`, { timeout: 60_000 }, () => {
    it('gets exactly what it missed when its connection was cut, and again when the next one was', async (test) => {
      const server = await listen()
      test.after(() => server.stop(AT_ONCE))
      const client = await open(urlOf(server), test)
      await client.logged('subscribed recovered:null')
      publish(server, 1, 2)
      await client.logged('2')

      cut(server)
      publish(server, 3, 4)
      await client.logged('4')
      publish(server, 5)
      await client.logged('5')
      cut(server)
      publish(server, 6)

      const recovered = 'subscribed recovered:true'
      assert.deepEqual(await client.logged('6'), ['subscribed recovered:null', '1', '2', recovered, '3', '4', '5', recovered, '6'])
    })

    it('gets what it missed even if its first connection was cut before any message', async (test) => {
      const server = await listen()
      test.after(() => server.stop(AT_ONCE))
      const client = await open(urlOf(server), test)
      await client.logged('subscribed recovered:null')

      cut(server)
      publish(server, 1)

      assert.deepEqual(await client.logged('1'), ['subscribed recovered:null', 'subscribed recovered:true', '1'])
    })

    it('is told that it may have missed something if that was too much to keep', async (test) => {
      const server = await listen()
      test.after(() => server.stop(AT_ONCE))
      const client = await open(urlOf(server), test)
      await client.logged('subscribed recovered:null')
      publish(server, 'first')
      await client.logged('first')

      cut(server)
      publish(server, ...Array.from({ length: 300 }, (_, number) => number))
      await client.logged('subscribed recovered:false')
      publish(server, 'last')

      assert.deepEqual(await client.logged('last'), ['subscribed recovered:null', 'first', 'subscribed recovered:false', 'last'])
    })

    it('is told why it cannot have a stream, and stops', async (test) => {
      const server = await listen()
      test.after(() => server.stop(AT_ONCE))

      const client = await open(urlOf(server, 'GOSSIP:BTCUSDT'), test)

      assert.deepEqual(await client.logged('close ERR_UNKNOWN_STREAM'), ['close ERR_UNKNOWN_STREAM'])
    })
  })
}

describe('the recipe for a plain EventSource', { timeout: 30_000 }, () => {
  it('sends each stream a comment every 15 seconds', async (test) => {
    const clock = new ManualClock()
    const server = await listen(0, clock)
    test.after(() => server.stop(AT_ONCE))
    const [response] = await once(get(urlOf(server), { agent: false }), 'response')
    response.setEncoding('utf8')
    await once(response, 'data')

    clock.advance(15_000)

    assert.match((await once(response, 'data'))[0], /^:/)
    response.destroy()
  })
})

expectNothingLeftOpen()
