import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { chromium } from 'playwright-core'
import * as undici from 'undici'
import * as newest from 'ws'
import * as oldest from 'ws-oldest'

const CHROMIUM = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

/** The two ends of what the transport is to work with. */
export const versions = [
  ['ws 8.0.0', oldest],
  ['ws 8.23.0', newest],
]

/** A server on loopback; `sockets` are its ends of the connections, oldest first. `close` ends all of them. */
export async function serve({ WebSocketServer }, options) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    get sockets() {
      return [...server.clients]
    },
    async close() {
      for (const socket of server.clients) socket.terminate()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/**
 * A client of any implementation, by what all share. It runs in a browser too, so it refers to nothing outside of itself.
 *
 * `received(count)` waits for that many messages and answers all that came until then.
 */
export function open(url, WebSocketOfTheirs = globalThis.WebSocket) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocketOfTheirs(url)
    const messages = []
    let look = () => {}
    const received = (count) => new Promise((done) => {
      look = () => { if (messages.length >= count) done(messages) }
      look()
    })
    const closed = new Promise((done) => { socket.onclose = ({ code }) => done(code) })
    socket.onmessage = ({ data }) => {
      messages.push(data)
      look()
    }
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`))
    socket.onopen = () => resolve({ socket, received, closed })
  })
}

let browser

async function openInBrowser(url) {
  const page = await (await launched()).newPage()
  const client = await page.evaluateHandle(open, url)
  return {
    received: (count) => client.evaluate(({ received }, expected) => received(expected), count),
    closed: client.evaluate(({ closed }) => closed),
  }
}

function launched() {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`These tests need a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
  }
  return (browser ??= chromium.launch({ executablePath: CHROMIUM, args: QUIET }))
}

/** Ends the browser, if there is one. */
export async function closeBrowser() {
  await (await browser)?.close()
}

export const openWs = (url) => open(url, newest.WebSocket)

/** Client implementations that share no code, by name. */
export const clients = [
  ['the client of ws', openWs],
  ['undici', (url) => open(url, undici.WebSocket)],
  ['Chromium', openInBrowser],
]
