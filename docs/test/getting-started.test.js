import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { WebSocket } from 'ws'

// The server and the client of the first guide, as they stand there, over real WebSockets.

const GUIDE = readFileSync(new URL('../getting-started.md', import.meta.url), 'utf8')
const DEADLINE_MS = 30_000

/** What an import names → where it is, seen from outside of this folder. */
const MODULES = {
  'stream-connection-manager': new URL('../../dist/index.js', import.meta.url).href,
  'stream-connection-manager/transports/ws': new URL('../../dist/transports/ws.js', import.meta.url).href,
  ws: import.meta.resolve('ws'),
}

let folder = ''
let port = 0
/** @type {(() => Promise<void> | void)[]} */
let endings = []

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'getting-started-'))
  port = await freePort()
  writeFileSync(join(folder, 'server.mjs'), blockUnder('The server'))
  writeFileSync(join(folder, 'client.mjs'), blockUnder('The client'))
})

/** The codes of the ends that clients saw. */
const closeCodes = /** @type {number[]} */ ([])

/** The WebSocket of a browser: an error that nobody listens to ends nothing, and a `close` follows it. */
class BrowserSocket extends WebSocket {
  /** @param {string} url */
  constructor(url) {
    super(url)
    this.on('error', () => {})
    this.on('close', (code) => closeCodes.push(code))
  }
}

beforeEach(() => {
  closeCodes.length = 0
  Object.assign(globalThis, { WebSocket: BrowserSocket })
})

afterEach(async () => {
  for (const end of endings.reverse()) await end()
  endings = []
})

after(() => rmSync(folder, { recursive: true }))

/** @param {string} heading */
function blockUnder(heading) {
  const [, code = ''] = new RegExp(`^## ${heading}\\n[^]*?^\`\`\`ts\\n([^]*?)^\`\`\`$`, 'm').exec(GUIDE) ?? []
  const { outputText } = ts.transpileModule(code, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
  return Object.entries(MODULES).reduce((text, [specifier, url]) => text.replaceAll(`'${specifier}'`, JSON.stringify(url)), outputText)
}

/** A port that the server may have at each of its starts. */
async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return address.port
}

async function startServer() {
  const env = { ...process.env, PORT: String(port) }
  const server = spawn(process.execPath, [join(folder, 'server.mjs')], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(server, 'exit')
  endings.push(() => void server.kill('SIGKILL'))
  let printed = ''
  server.stdout.setEncoding('utf8').on('data', (chunk) => (printed += chunk))
  return {
    /** Ends it as an operator does; resolves with its exit code, and with what it printed. */
    async stop() {
      server.kill('SIGTERM')
      const [code] = await exit
      return { code, printed }
    },
  }
}

/**
 * @param {string} query
 * @param {object[]} streams
 */
async function openClient(query, streams) {
  const { LiveStreams } = await import(pathToFileURL(join(folder, 'client.mjs')).href)
  /** @type {{ streamType: string, symbol: string, data: { bid: number } }[]} */
  const updates = []
  const client = new LiveStreams(`ws://127.0.0.1:${port}/${query}`, streams, (/** @type {typeof updates[number]} */ update) => updates.push(update))
  endings.push(() => client.close())
  return updates
}

/** @param {() => boolean} condition */
async function until(condition) {
  const deadlineMs = performance.now() + DEADLINE_MS
  while (!condition()) {
    assert.ok(performance.now() < deadlineMs, `It was not so within ${DEADLINE_MS} ms: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('the client gets what it asked for, and comes back to a server that was restarted', async () => {
  const first = await startServer()
  const updates = await openClient('?user=alice', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])
  await until(() => updates.length >= 2)
  assert.ok(updates.every(({ streamType, symbol, data }) => streamType === 'PRICE' && symbol === 'BTCUSDT' && data.bid >= 64_000))

  const { code, printed } = await first.stop()
  assert.deepEqual({ code, printed }, { code: 0, printed: '{ closed: 1, failed: 0, timedOut: 0 }\n' })

  const missed = updates.length
  await startServer()
  await until(() => updates.length > missed)
})

test('the client of a stream that there is not is refused, and the server goes on', async (context) => {
  const warn = context.mock.method(console, 'warn', () => {})
  await startServer()
  await openClient('?user=alice', [{ streamType: 'GOSSIP' }])
  await until(() => warn.mock.callCount() > 0)
  assert.deepEqual(warn.mock.calls[0]?.arguments, ['The server refuses:', 'ERR_UNKNOWN_STREAM'])

  const updates = await openClient('?user=bob', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])
  await until(() => updates.length > 0)
})

test('who is not authenticated is told so, and does not come back', async (context) => {
  context.mock.method(Math, 'random', () => 0) // a client that comes back does so at once
  await startServer()
  await openClient('', [])
  await until(() => closeCodes.includes(1008))

  const updates = await openClient('?user=bob', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])
  await until(() => updates.length > 0)
  assert.equal(closeCodes.filter((code) => code === 1008).length, 1)
})
