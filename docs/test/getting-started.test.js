import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { createServer as createVite } from 'vite'

// The first guide, done as it says, in a folder of its own: its server, its page in a browser, and its client in Node.

const GUIDE = readFileSync(new URL('../getting-started.md', import.meta.url), 'utf8')
const DEADLINE_MS = 30_000
const CHROMIUM = '/usr/bin/chromium'

let folder = ''
let port = 0
/** @type {(() => Promise<unknown> | unknown)[]} */
let endings = []

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'getting-started-'))
  port = await freePort()
  install('stream-connection-manager', new URL('../../', import.meta.url))
  install('ws', new URL('../node_modules/ws/', import.meta.url))
  write('package.json', '{"type":"module"}')
  write('index.html', /^echo '(.+)' > index\.html$/m.exec(GUIDE)?.[1] ?? '')
  write('server.js', codeUnder('The server'))
  write('page.js', codeUnder('The page'))
  write('client.js', codeUnder('A client in Node'))
})

afterEach(async () => {
  for (const end of endings.reverse()) await end()
  endings = []
})

after(() => rmSync(folder, { recursive: true }))

/**
 * @param {string} name
 * @param {URL} from
 */
function install(name, from) {
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(fileURLToPath(from), join(folder, 'node_modules', name))
}

/**
 * @param {string} name
 * @param {string} text
 */
function write(name, text) {
  writeFileSync(join(folder, name), text)
}

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

async function freePort() {
  const server = createTcpServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return address.port
}

/** @param {string} file */
function run(file) {
  const program = spawn(process.execPath, [file], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(program, 'exit')
  endings.push(() => void program.kill('SIGKILL'))
  let printed = ''
  program.stdout.setEncoding('utf8').on('data', (chunk) => (printed += chunk))
  return {
    /** The lines that it has printed. */
    lines: () => printed.split('\n').slice(0, -1),
    /**
     * Resolves to its exit code.
     *
     * @param {NodeJS.Signals} signal
     */
    async end(signal) {
      program.kill(signal)
      const [code] = await exit
      return code
    },
  }
}

/** Opens the page in a browser, as Vite serves it. */
async function openPage() {
  if (!existsSync(CHROMIUM)) throw new Error(`This test needs a browser at ${CHROMIUM}. Install it: apt-get update && apt-get install -y chromium`)
  const vite = await createVite({ root: folder, configFile: false, logLevel: 'error', server: { host: '127.0.0.1', port: 0, fs: { strict: false } } })
  endings.push(() => vite.close())
  await vite.listen()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  endings.push(() => browser.close())
  const page = await browser.newPage()
  await page.goto(vite.resolvedUrls?.local[0] ?? '')
  return page
}

/** @param {() => boolean | Promise<boolean>} holds */
async function until(holds) {
  const deadlineMs = performance.now() + DEADLINE_MS
  while (!(await holds())) {
    assert.ok(performance.now() < deadlineMs, `It was not so within ${DEADLINE_MS} ms: ${holds}`)
    await sleep(20)
  }
}

test('the page shows prices, and goes on after the server was restarted', async () => {
  const first = run('server.js')
  const page = await openPage()
  const price = async () => Number(await page.textContent('h1').catch(() => ''))
  await until(async () => (await price()) >= 64_002)
  assert.equal(await page.title(), 'connected')

  assert.equal(await first.end('SIGTERM'), 0)
  await until(async () => (await page.title()) !== 'connected')
  const before = await price()
  run('server.js')

  await until(async () => (await page.title()) === 'connected' && (await price()) !== before)
})

test('the client in Node prints what the guide says', async () => {
  const [, output = ''] = /^## A client in Node\n[^]*?^```text\n([^]*?)\n```$/m.exec(GUIDE) ?? []
  const server = run('server.js')
  const client = run('client.js')
  await until(() => client.lines().includes('64002') || client.lines().includes('64003'))

  await server.end('SIGKILL')
  run('server.js')
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
