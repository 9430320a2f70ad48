import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { generatedMarket } from '../market/generated-market.js'
import { openDesk } from '../open-desk.js'
import { Tab } from './tab.js'

/** @import { Browser, BrowserContextOptions } from 'playwright-core' */
/** @import { TradesPolicy } from '../streams.js' */

const CHROMIUM = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

/** @type {Promise<Browser> | undefined} */
let browser

function launch() {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`These tests need a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
  }
  return (browser ??= chromium.launch({ executablePath: CHROMIUM, args: QUIET }))
}

export async function closeBrowser() {
  await (await browser)?.close()
}

/**
 * Opens a tab in a browser of its own, which shares nothing with others.
 *
 * @param {string} url
 * @param {BrowserContextOptions} [options]
 */
export async function openTab(url, options) {
  // What glows costs a machine without a graphics card most of its time.
  const context = await (await launch()).newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...options })
  return new Tab(await context.newPage()).open(url)
}

/**
 * Opens a desk with the generated market.
 *
 * @param {{ trades?: TradesPolicy, speed?: number, nodes?: number, graceMs?: number, lifetimeMs?: number }} [options]
 */
export async function openTestDesk({ trades = 'drop', speed = 1, nodes = 1, graceMs, lifetimeMs } = {}) {
  const desk = await openDesk(generatedMarket(1), { port: 0, speed, trades, nodes, graceMs, lifetimeMs })
  /** @param {string} [query] */
  const url = (query = '') => `http://127.0.0.1:${desk.port}/${query}`
  return { ...desk, url }
}

/** @typedef {Awaited<ReturnType<typeof openTestDesk>>} TestDesk */
