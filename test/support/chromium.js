// A real Chromium, one for each test file that asks for it.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const CHROMIUM = '/usr/bin/chromium'
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

/** @type {Promise<import('playwright-core').Browser> | undefined} */
let browser

/**
 * Returns the browser, and launches it if it is not there. The options count for the first call.
 *
 * @param {import('playwright-core').LaunchOptions} [options]
 */
export function launchedBrowser(options) {
  if (!existsSync(CHROMIUM)) {
    throw new Error(`These tests need a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
  }
  return (browser ??= chromium.launch({ executablePath: CHROMIUM, args: QUIET, ...options }))
}

/** Ends the browser, if there is one. */
export async function closeBrowser() {
  await (await browser)?.close()
}
