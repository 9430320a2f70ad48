import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as undici from 'undici'
import * as newest from 'ws'
import * as oldest from 'ws-oldest'
import { launchedBrowser } from '../../support/chromium.js'

export { closeBrowser } from '../../support/chromium.js'

/** Debian's, which sees Debian's packages. */
const PYTHON = '/usr/bin/python3'
const BUN = here('../../node_modules/bun/bin/bun.exe')

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
 * `received(count)` waits for that many messages and answers all that came until then: texts as they are, binary ones as `{ base64 }`.
 */
export function open(url, WebSocketOfTheirs = globalThis.WebSocket) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocketOfTheirs(url)
    socket.binaryType = 'arraybuffer'
    const base64Of = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(''))
    const messages = []
    let look = () => {}
    const received = (count) => new Promise((done) => {
      look = () => { if (messages.length >= count) done(messages) }
      look()
    })
    const closed = new Promise((done) => { socket.onclose = ({ code }) => done(code) })
    socket.onmessage = ({ data }) => {
      messages.push(typeof data === 'string' ? data : { base64: base64Of(data) })
      look()
    }
    socket.onerror = () => reject(new Error(`Cannot connect to ${url}`))
    socket.onopen = () => resolve({ socket, received, closed })
  })
}

async function openInBrowser(url) {
  const page = await (await launchedBrowser()).newPage()
  const client = await page.evaluateHandle(open, url)
  const closed = client.evaluate((peer) => peer.closed)
  // If no test waits for it, it rejects when the browser is closed.
  closed.catch(() => {})
  return {
    received: (count) => client.evaluate(({ received }, expected) => received(expected), count),
    closed,
  }
}

function here(path) {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** A client in a process of its own, which ends when its socket closes. It prints a line of JSON for each thing that happens. */
async function openProcess(program, ...args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const messages = []
  let look = () => {}
  let opened
  let end
  const open = new Promise((resolve) => { opened = resolve })
  const closed = new Promise((resolve) => { end = resolve })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const fact = JSON.parse(line)
    if (fact.opened) opened()
    if ('closed' in fact) end(fact.closed)
    if ('message' in fact) messages.push(fact.message)
    look()
  })
  const exited = once(child, 'exit').then(([code]) => { throw new Error(`${program} ended with ${code}`) })
  exited.catch(() => {})
  await Promise.race([open, exited])
  const received = (count) => new Promise((done) => {
    look = () => { if (messages.length >= count) done(messages) }
    look()
  })
  return { received, closed }
}

function openInPython(url) {
  if (spawnSync(PYTHON, ['-c', 'import websockets']).status !== 0) {
    throw new Error(`These tests need ${PYTHON} with websockets. Install it: apt-get update && apt-get install -y python3-websockets`)
  }
  return openProcess(PYTHON, here('python-client.py'), url)
}

export const openWs = (url) => open(url, newest.WebSocket)

/** Client implementations that share no code, by name. */
export const clients = [
  ['the client of ws', openWs],
  ['undici', (url) => open(url, undici.WebSocket)],
  ['Chromium', openInBrowser],
]

/** The same, and more that decompress by themselves. */
export const decoders = [
  ...clients,
  ['Bun', (url) => openProcess(BUN, here('bun-client.js'), url)],
  ['websockets of Python', openInPython],
]
