import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NAME, TARBALL } from './pack.js'
import { packedEntries } from './packed.js'

/**
 * A project that uses the library. library.test.js has those of the root's TypeScript under nodenext and bundler, without the DOM.
 *
 * @typedef {object} Consumer
 * @property {string} kind
 * @property {string} typescript the package that has the compiler
 * @property {'module' | 'commonjs'} type
 * @property {Record<string, unknown>} options
 */

const DOM = { lib: ['es2022', 'dom', 'dom.iterable'] }

/** @type {readonly Consumer[]} */
const CONSUMERS = [
  // 5.2 is the first that knows `Symbol.asyncDispose`.
  {
    kind: 'ES modules under node16, TypeScript 5.2',
    typescript: 'typescript-5.2',
    type: 'module',
    options: { module: 'node16', moduleResolution: 'node16' },
  },
  {
    kind: 'CommonJS under node16 with the DOM, TypeScript 5.2',
    typescript: 'typescript-5.2',
    type: 'commonjs',
    options: { module: 'node16', moduleResolution: 'node16', ...DOM },
  },
  {
    kind: 'CommonJS under node10, the default of TypeScript 5',
    typescript: 'typescript-5.9',
    type: 'commonjs',
    options: { module: 'commonjs' },
  },
  {
    kind: 'a page under bundler, TypeScript 5.9',
    typescript: 'typescript-5.9',
    type: 'module',
    options: { module: 'esnext', moduleResolution: 'bundler', verbatimModuleSyntax: true, ...DOM },
  },
  {
    kind: 'ES modules under nodenext with the DOM, TypeScript 7',
    typescript: 'typescript-7',
    type: 'module',
    options: { module: 'nodenext', exactOptionalPropertyTypes: true, ...DOM },
  },
  {
    kind: 'ES modules under nodenext with the types of Node, TypeScript 7',
    typescript: 'typescript-7',
    type: 'module',
    options: { module: 'nodenext', types: ['node'] },
  },
]

/** What a server writes. A wrong call must not compile: it would if the types were `any`. */
const SERVER = `
import { ConnectionManager, createStreamMessage, defineStreams, type CloseReason, type PublishResult } from '${NAME}'

const streams = defineStreams({ TICKER: { audience: 'public', payload: {} as { last: number } }, FILLS: { audience: 'private' } })
const manager = new ConnectionManager({ streams })
manager.on('connectionRemoved', ({ connection, reason }) => { const why: CloseReason = reason; void [connection.id, why] })
const connection = manager.addConnection('c1', { send(text: string) { void text }, close() {} }, 'alice')
connection.subscribe({ streamType: 'TICKER', symbol: 'BTCUSDT' })
const message = createStreamMessage({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 1 } }, { streams })
const streamType: 'TICKER' = message.streamType
export const result: PublishResult = manager.publish(message)
void streamType

// @ts-expect-error a private message names its user
manager.publish({ streamType: 'FILLS', data: 1 })
// @ts-expect-error a payload has its type
manager.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: '1' } })
`

/** What a page writes. A socket of the DOM is a socket of the library. */
const PAGE = `
import { ConnectionManager, parseServerMessage } from '${NAME}'

declare const socket: WebSocket
socket.addEventListener('message', ({ data }) => {
  const message = parseServerMessage(String(data))
  if (message.type === 'gap') console.log(message.dropped)
  else if (message.type === 'status') console.log(message.status)
  else if (message.type === undefined && message.streamType === 'PRICE') console.log(message.symbol.length)
})
export const ofSockets = new ConnectionManager<WebSocket>()
ofSockets.addConnection('c1', socket, 'alice')
`

const compile = promisify(execFile)

describe('a project that installs the tarball', () => {
  const entries = packedEntries()
  let project = ''

  before(() => {
    project = mkdtempSync(join(tmpdir(), 'consumers-'))
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', TARBALL], { cwd: project, stdio: 'pipe' })
  })

  after(() => {
    rmSync(project, { recursive: true })
  })

  it('has this one package more', () => {
    const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'))

    assert.deepEqual(Object.keys(lock.packages), ['', `node_modules/${NAME}`])
    assert.deepEqual(readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')), [NAME])
  })

  for (const { specifier } of entries) {
    it(`has the same names of ${specifier} by import and by require`, () => {
      const code = `import * as module from '${specifier}'
        import { createRequire } from 'node:module'
        const common = createRequire(import.meta.url)('${specifier}')
        console.log(JSON.stringify([Object.keys(module).sort(), Object.keys(common).sort()]))`
      writeFileSync(join(project, 'names.mjs'), code)

      const [imported, required] = JSON.parse(execFileSync(process.execPath, ['names.mjs'], { cwd: project, encoding: 'utf8' }))

      assert.ok(imported.length > 0)
      assert.deepEqual(imported, required)
    })
  }

  /** Lays a consumer out in a folder of the project. */
  function laidOut(/** @type {Consumer} */ { type, options }) {
    const folder = mkdtempSync(join(project, 'consumer-'))
    const hasDom = JSON.stringify(options).includes('dom')
    const sources = { 'server.ts': SERVER, 'names.ts': namesOf(entries), ...(hasDom && { 'page.ts': PAGE }) }
    const compilerOptions = { target: 'es2022', lib: ['es2022'], types: [], strict: true, skipLibCheck: false, noEmit: true, ...options }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(sources) }))
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(folder, name), text)
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(fileURLToPath(new URL('../node_modules/@types', import.meta.url)), join(folder, 'node_modules/@types'))
    return folder
  }

  for (const consumer of CONSUMERS) {
    it(`type-checks, the library's declarations included: ${consumer.kind}`, async () => {
      const tsc = fileURLToPath(new URL(`../node_modules/${consumer.typescript}/bin/tsc`, import.meta.url))

      const compilation = compile(process.execPath, [tsc, '-p', '.'], { cwd: laidOut(consumer) })
      const { stdout } = await compilation.catch(({ stdout, message }) => ({ stdout: stdout || message }))

      assert.equal(stdout, '')
    })
  }
})

/** A module that takes in every name of every entry. */
function namesOf(/** @type {readonly { specifier: string }[]} */ entries) {
  const imports = entries.map(({ specifier }, i) => `import * as entry${i} from '${specifier}'`)
  const uses = entries.map((_, i) => `entry${i}`)
  return `${imports.join('\n')}\nexport const entries = [${uses.join(', ')}]\n`
}
