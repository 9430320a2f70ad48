import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'
import { WebSocketServer } from 'ws'
import { serveWebSockets } from '../../../dist/hosts/ws.js'
import { ConnectionManager } from '../../../dist/index.js'
import { createCommandServer } from '../../../dist/protocol.js'

// The hook in a real browser, with React's strict mode of development, which mounts each component twice.

const CHROMIUM = '/usr/bin/chromium'

/** The page, as a bundler leaves it in development. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.jsx', import.meta.url))],
    bundle: true,
    write: false,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
  })
  return outputFiles[0]?.text ?? ''
}

/** Waits until something holds. The deadline only ends what hangs. */
async function until(holds) {
  const deadlineMs = performance.now() + 20_000
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `Still not: ${holds}`)
    await sleep(10)
  }
}

describe('useStream in strict mode', { timeout: 60_000 }, () => {
  let manager, commands, server, browser, page
  const opened = []

  before(async () => {
    if (!existsSync(CHROMIUM)) throw new Error(`This test needs a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
    const script = await bundle()
    server = createServer(({ url }, response) => {
      response.writeHead(200, { 'content-type': url === '/page.js' ? 'text/javascript' : 'text/html' })
      response.end(url === '/page.js' ? script : '<!doctype html><body><script defer src="/page.js"></script></body>')
    })
    manager = new ConnectionManager()
    manager.on('connectionAdded', ({ connection }) => opened.push(connection.id))
    commands = createCommandServer(manager)
    serveWebSockets(new WebSocketServer({ server }), { manager, commands, authenticate: () => ({ userId: 'alice' }) })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
    page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${server.address().port}/`)
  })

  after(async () => {
    await browser?.close()
    await manager.cleanup()
    server.closeAllConnections()
    server.close()
  })

  const publish = (symbol, data) => manager.publish({ streamType: 'PRICE', symbol, data })
  const shown = () => page.textContent('output')

  it('opens one socket, and subscribes once', async () => {
    await until(() => manager.subscriptionCount === 1)
    publish('A', 1)
    await until(async () => (await shown()) === 'A 1')

    assert.equal(opened.length, 1)
    assert.equal(commands.stats.commands, 1)
  })

  it('follows another symbol, over the same socket', async () => {
    await page.click('text=other symbol')
    await until(() => [...manager.connections()].some((connection) => connection.subscriptions().some(({ subscription }) => subscription.symbol === 'B')))
    assert.equal(await shown(), 'B –')
    publish('B', 2)

    await until(async () => (await shown()) === 'B 2')
    assert.equal(opened.length, 1)
  })

  it('leaves nothing behind when it is unmounted', async () => {
    await page.click('text=close')

    await until(() => manager.connectionCount === 0)
  })
})
