import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { createServer as createVite } from 'vite'
import { freePort, GuideFolder, until } from '../guide-folder.js'

// The first guide, done as it says, in a folder of its own: its server, its page in a browser, and its client in Node.

const GUIDE = readFileSync(new URL('../getting-started.md', import.meta.url), 'utf8')
const CHROMIUM = '/usr/bin/chromium'

const folder = new GuideFolder()
let port = 0
/** @type {(() => Promise<unknown> | unknown)[]} */
let endings = []

before(async () => {
  port = await freePort()
  folder.install('ws', new URL('../node_modules/ws/', import.meta.url))
  folder.write('index.html', /^echo '(.+)' > index\.html$/m.exec(GUIDE)?.[1] ?? '')
  folder.write('server.js', codeUnder('The server'))
  folder.write('page.js', codeUnder('The page'))
  folder.write('client.js', codeUnder('A client in Node'))
})

afterEach(async () => {
  for (const end of endings.reverse()) await end()
  endings = []
  folder.killAll()
})

after(() => folder.remove())

/**
 * The code as the guide has it, but with a port that is free.
 *
 * @param {string} heading
 */
function codeUnder(heading) {
  const [, code = ''] = new RegExp(`^## ${heading}\\n[^]*?^\`\`\`ts\\n([^]*?)^\`\`\`$`, 'm').exec(GUIDE) ?? []
  assert.match(code, /8080/)
  return code.replace('8080', String(port))
}

/** Opens the page in a browser, as Vite serves it. */
async function openPage() {
  if (!existsSync(CHROMIUM)) throw new Error(`This test needs a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
  const vite = await createVite({ root: folder.path, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0, fs: { strict: false } } })
  endings.push(() => vite.close())
  await vite.listen()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  endings.push(() => browser.close())
  const page = await browser.newPage()
  await page.goto(vite.resolvedUrls?.local[0] ?? '')
  return page
}

test('the page shows prices, and goes on after the server was restarted', async () => {
  const first = folder.run('server.js')
  const page = await openPage()
  const price = async () => Number(await page.textContent('h1').catch(() => ''))
  await until(async () => (await price()) >= 64_002)
  assert.equal(await page.title(), 'connected')

  assert.equal(await first.end('SIGTERM'), 0)
  await until(async () => (await page.title()) !== 'connected')
  const before = await price()
  folder.run('server.js')

  await until(async () => (await page.title()) === 'connected' && (await price()) !== before)
})

test('the client in Node prints what the guide says', async () => {
  const [, output = ''] = /^## A client in Node\n[^]*?^```text\n([^]*?)\n```$/m.exec(GUIDE) ?? []
  const server = folder.run('server.js')
  const client = folder.run('client.js')
  await until(() => client.lines().includes('64002') || client.lines().includes('64003'))

  await server.end('SIGKILL')
  folder.run('server.js')
  await until(() => client.lines().slice(client.lines().indexOf('gap')).length >= 3)

  assert.deepEqual(stepsIn(client.lines()), stepsIn(output.split('\n')))
})

/**
 * What happened, without what depends on chance: how many prices came, and how often the client had to try.
 *
 * @param {string[]} lines
 */
function stepsIn(lines) {
  const steps = lines.map((line) => (/^\d+$/.test(line) ? 'price' : line)).filter((line) => line !== 'waiting' && line !== 'connecting')
  return steps.filter((step, i) => step !== steps[i - 1])
}
