import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { NAME, PROJECT, ROOT } from './pack.js'
import { packageIn, packedEntries, packedFiles } from './packed.js'

/** @typedef {Record<string, any>} Library */

const entries = packedEntries()
const requirePacked = createRequire(join(packageIn(), 'package.json'))

/** @returns {Promise<Library>} */
function loadedAsModule(path = 'index') {
  return import(pathToFileURL(join(packageIn(), `dist/${path}.js`)).href)
}

/** @returns {Library} */
function loadedByRequire(path = 'index') {
  return requirePacked(`./dist/${path}.cjs`)
}

/** The names of values that a TypeScript file exports; names that are types alone are none. */
function declaredValues(/** @type {string} */ file) {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [], allowImportingTsExtensions: true, noEmit: true }
  const program = ts.createProgram([file], options)
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(/** @type {ts.Node} */ (program.getSourceFile(file)))
  const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
  return symbols.filter((symbol) => isValue(symbol, checker)).map(({ name }) => name).sort()
}

function isValue(/** @type {ts.Symbol} */ symbol, /** @type {ts.TypeChecker} */ checker) {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
  if (isAlias && symbol.declarations?.some(ts.isTypeOnlyExportDeclaration)) return false
  return ((isAlias ? checker.getAliasedSymbol(symbol) : symbol).flags & ts.SymbolFlags.Value) !== 0
}

describe('the packed library', () => {
  for (const { specifier, path } of entries) {
    it(`has at run time the names that ${specifier} declares, as ES module and as CommonJS`, async () => {
      const declared = declaredValues(join(packageIn(), `dist/${path}.d.ts`))

      assert.ok(declared.length > 0)
      assert.deepEqual(declaredValues(join(packageIn(), `dist/${path}.d.cts`)), declared)
      assert.deepEqual(Object.keys(await loadedAsModule(path)).sort(), declared)
      assert.deepEqual(Object.keys(loadedByRequire(path)).sort(), declared)
    })
  }

  it('is built of what src has now', async () => {
    assert.deepEqual(Object.keys(await loadedAsModule()).sort(), declaredValues(join(ROOT, 'src/index.ts')))
  })

  it('makes errors, raw JSON and catalogues that both of its copies understand', async () => {
    const module = await loadedAsModule()
    const common = loadedByRequire()
    const streams = common.defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })

    const text = module.serializeStreamMessage({ streamType: 'NEWS', data: common.rawJson('[1.0]') }, { streams })

    assert.notEqual(module.ConnectionManager, common.ConnectionManager)
    assert.match(text, /"data":\[1\.0\],/)
    assert.throws(() => common.parseStreamMessage(''), { code: 'ERR_INVALID_MESSAGE' })
  })

  it('lets tools read its package.json, and no file of dist', () => {
    const requireThere = createRequire(join(PROJECT, 'package.json'))

    assert.equal(requireThere(`${NAME}/package.json`).name, NAME)
    assert.throws(() => requireThere(`${NAME}/dist/index.cjs`), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  })
})

describe('package.json', () => {
  const manifest = JSON.parse(String(packedFiles().get('package.json')))

  it('asks for nothing at run time but Node 20', () => {
    const { name, type, sideEffects, engines } = manifest

    assert.deepEqual({ name, type, sideEffects, engines }, { name: NAME, type: 'module', sideEffects: false, engines: { node: '>=20' } })
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']) {
      assert.ok(!(kind in manifest), kind)
    }
  })

  it('runs nothing where it is installed from the registry', () => {
    assert.equal(manifest.scripts, undefined)
  })

  it('leads importers and requirers each to their own code and types, and names types before code', () => {
    const { './package.json': itself, ...conditions } = manifest.exports

    assert.equal(itself, './package.json')
    assert.equal(
      JSON.stringify(conditions),
      JSON.stringify(
        Object.fromEntries(
          ['.', './transports/ws', './transports/uws', './transports/bun', './transports/sse', './throttle', './recovery', './cluster', './backplanes/memory', './backplanes/redis', './backplanes/nats', './protocol', './hosts/ws', './hosts/sse', './operations', './client', './testing'].map((subPath) => {
            const stem = subPath === '.' ? './dist/index' : subPath.replace('./', './dist/')
            // The first condition that holds is taken.
            return [
              subPath,
              {
                import: { types: `${stem}.d.ts`, default: `${stem}.js` },
                require: { types: `${stem}.d.cts`, default: `${stem}.cjs` },
              },
            ]
          }),
        ),
      ),
    )
  })

  it('serves tools that know no exports', () => {
    const { main, module, types } = manifest

    assert.deepEqual({ main, module, types }, { main: './dist/index.cjs', module: './dist/index.js', types: './dist/index.d.ts' })
  })
})

/**
 * A project that uses the library by the TypeScript of the root; consumers.test.js has older and newer ones.
 *
 * @typedef {object} Consumer
 * @property {string} kind
 * @property {'module' | 'commonjs'} type
 * @property {string} module
 * @property {string} moduleResolution
 * @property {(name: string, specifier: string) => string} importing
 * @property {'.d.ts' | '.d.cts'} declarations
 */

const byImport = (/** @type {string} */ name, /** @type {string} */ specifier) => `import * as ${name} from '${specifier}'`
const byImportedRequire = (/** @type {string} */ name, /** @type {string} */ specifier) => `import ${name} = require('${specifier}')`
const byRequire = (/** @type {string} */ name, /** @type {string} */ specifier) => `const ${name} = require('${specifier}')`

/** @type {readonly Consumer[]} */
const CONSUMERS = [
  {
    kind: 'an ES module under nodenext',
    type: 'module',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    importing: byImport,
    declarations: '.d.ts',
  },
  {
    kind: 'CommonJS under nodenext',
    type: 'commonjs',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    importing: byImport,
    declarations: '.d.cts',
  },
  {
    kind: 'an ES module under bundler',
    type: 'module',
    module: 'esnext',
    moduleResolution: 'bundler',
    importing: byImport,
    declarations: '.d.ts',
  },
  {
    kind: 'CommonJS under bundler',
    type: 'commonjs',
    module: 'preserve',
    moduleResolution: 'bundler',
    importing: byImportedRequire,
    declarations: '.d.cts',
  },
]

/** What the code of a consumer calls the library, and its sub-paths. */
const IMPORTED = {
  library: NAME,
  ws: `${NAME}/transports/ws`,
  uws: `${NAME}/transports/uws`,
  bun: `${NAME}/transports/bun`,
  sse: `${NAME}/transports/sse`,
  throttle: `${NAME}/throttle`,
  recovery: `${NAME}/recovery`,
  cluster: `${NAME}/cluster`,
  memory: `${NAME}/backplanes/memory`,
  redis: `${NAME}/backplanes/redis`,
  nats: `${NAME}/backplanes/nats`,
  protocol: `${NAME}/protocol`,
  hostsWs: `${NAME}/hosts/ws`,
  hostsSse: `${NAME}/hosts/sse`,
  operations: `${NAME}/operations`,
  client: `${NAME}/client`,
  testing: `${NAME}/testing`,
}

function importLines(/** @type {Consumer['importing']} */ importing) {
  return Object.entries(IMPORTED).map(([name, specifier]) => importing(name, specifier)).join('\n')
}

/** What a consumer writes. It touches every type parameter, so that declarations that do not resolve show. */
const CONSUMER_CODE = `
class Peer {
  sent: string[] = []
  send(text: string): void { this.sent.push(text) }
  close(): void {}
}
const streams = library.defineStreams({ ...library.tradingStreams, NEWS: { audience: 'public', symbol: 'none', payload: {} as { title: string } } })
const manager = new library.ConnectionManager<Peer, typeof streams>({ streams })
const peers: Peer[] = manager.getUserConnections('alice')
const stop: () => void = manager.on('connectionRemoved', ({ connection, reason }) => { peers.push(connection.socket); const why: library.CloseReason = reason; void why })
manager.addConnection('c1', new Peer(), 'alice').subscribe({ streamType: 'NEWS' })
const result: library.PublishResult = manager.publish({ streamType: 'NEWS', data: { title: 'hello' } })
type IsAny<T> = 0 extends 1 & T ? true : false
export const isTyped: [IsAny<typeof manager>, IsAny<typeof result>, IsAny<library.StreamType>] = [false, false, false]
export { manager, result, stop }

export const ofWs = new library.ConnectionManager<ws.WsSocket>({ transport: ws.wsTransport() })
export const ofUws = new library.ConnectionManager<uws.UwsSocket>({ transport: uws.uwsTransport() })
export const ofBun = new library.ConnectionManager<bun.BunSocket>({ transport: bun.bunTransport() })
export const ofSse = new library.ConnectionManager<sse.SseSocket>({ transport: sse.sseTransport({ event: ({ streamType }) => streamType }) })
export const admit = (socket: ws.WsSocket, target: sse.SseTarget) => {
  const mixed = new library.ConnectionManager<ws.WsSocket | sse.SseSocket>()
  mixed.addConnection('c1', socket, 'alice', { transport: ws.wsTransport() })
  mixed.addConnection('c2', sse.sseSocket(target), 'alice', { transport: sse.sseTransport() })
}
export const offer = throttle.throttled((message) => manager.publish(message), { intervalsMs: { PRICE: 100 }, streams })
export const offered: library.PublishResult | undefined = offer({ streamType: 'NEWS', data: { title: 'hello' } })
const recorder = recovery.createRecovery({ history: { count: 10 } })
export const resumed: recovery.Resumed = recorder.subscribe(new library.ConnectionManager({ recorder }).addConnection('c1', new Peer(), 'alice'), { streamType: 'PRICE', symbol: 'BTCUSDT' })
export const join = (client: redis.NodeRedisClient, connection: nats.NatsConnection): Promise<cluster.Cluster>[] => {
  const { manager, recovery: ownRecovery } = { manager: new library.ConnectionManager({ recorder }), recovery: recorder }
  const backplanes: cluster.Backplane[] = [memory.memoryBackplane(memory.createMemoryBus()), redis.redisBackplane(client), nats.natsBackplane(connection)]
  return backplanes.map((backplane) => cluster.joinCluster(manager, ownRecovery, { backplane, prefix: 'desk' }))
}
export const commands: protocol.CommandServer<Peer> = protocol.createCommandServer(new library.ConnectionManager<Peer>(), { recovery: recorder, commands: { echo: ({ data }) => data } })
export const served = (server: hostsWs.HostedWebSocketServer<hostsWs.HostedWebSocket, string>, manager: library.ConnectionManager<hostsWs.HostedWebSocket>): hostsWs.WebSocketHost =>
  hostsWs.serveWebSockets(server, { manager, commands: protocol.createCommandServer(manager), authenticate: (userId) => ({ userId }) })
export const answer = (request: hostsSse.HostedRequest, response: hostsSse.HostedResponse): Promise<boolean> =>
  hostsSse.serveEvents(request, response, { manager: ofSse, commands: protocol.createCommandServer(ofSse), authenticate: () => undefined })
export const heartbeat: operations.Heartbeat = operations.startHeartbeat(ofSse, { intervalMs: 1_000 })
export const tracker: client.PositionTracker = client.trackPositions()
export const reader: client.Client<typeof streams> = client.createClient<typeof streams>({ connect: () => ({ send() {}, close() {} }), lazy: true })
export const forTests = new library.ConnectionManager<testing.FakeSocket>({ transport: testing.fakeTransport(), clock: new testing.ManualClock() })
export const host: testing.HostedManager = testing.hosted(forTests)
const transports = { ws: ws.wsTransport(), uws: uws.uwsTransport(), bun: bun.bunTransport(), sse: sse.sseTransport() }
type Transports = typeof transports
export const areTyped: { [TName in keyof Transports]: IsAny<Transports[TName]> } = { ws: false, uws: false, bun: false, sse: false }
`

const RUN = `
const transports = [ws.wsTransport(), uws.uwsTransport(), bun.bunTransport(), sse.sseTransport(), testing.fakeTransport()]
for (const transport of transports) new library.ConnectionManager({ transport })
const manager = new library.ConnectionManager()
const sent = []
manager.addConnection('c1', { send: (text) => { sent.push(JSON.parse(text).data) }, close() {} }, 'alice')
manager.addSubscription({ userId: 'alice', streamType: library.StreamType.PRICE, symbol: 'BTCUSDT' })
// The first interval begins with the process, so it does not end meanwhile.
const offer = throttle.throttled((message) => manager.publish(message), { intervalsMs: { PRICE: 3600000 } })
for (const data of [64000, 64001, 64002]) offer({ streamType: 'PRICE', symbol: 'BTCUSDT', data })
offer.flush()
manager.cleanup().then((report) => console.log(JSON.stringify({ sent, report, transports: transports.length })))
`

describe('a project that uses the packed library', () => {
  /**
   * Lays a project out in which the library resolves by its name, for as long as `use` runs.
   *
   * @template T
   * @param {Record<string, string>} files
   * @param {(folder: string) => T} use
   */
  function inProject(files, use) {
    const folder = mkdtempSync(join(PROJECT, 'consumer-'))
    try {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
      return use(folder)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  for (const { kind, type, module, moduleResolution, importing, declarations } of CONSUMERS) {
    it(`type-checks in ${kind}, the library's declarations included`, () => {
      const compilerOptions = { module, moduleResolution, target: 'es2022', lib: ['es2022'], types: [], strict: true, skipLibCheck: false, noEmit: true }
      const files = {
        'package.json': JSON.stringify({ name: 'consumer', private: true, type }),
        'tsconfig.json': JSON.stringify({ compilerOptions, files: ['main.ts'] }),
        'main.ts': `${importLines(importing)}\n${CONSUMER_CODE}`,
      }

      const { complaints, paths } = inProject(files, (folder) => {
        const program = programOf(join(folder, 'tsconfig.json'))
        return {
          complaints: ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
          paths: program.getSourceFiles().flatMap(({ fileName }) => fileName.split(`${NAME}/dist/`)[1] ?? []),
        }
      })

      assert.deepEqual(complaints, [])
      assert.deepEqual(entries.filter(({ path }) => !paths.includes(`${path}${declarations}`)), [])
      assert.deepEqual(paths.filter((path) => !path.endsWith(declarations)), [])
    })
  }

  for (const [file, importing] of /** @type {const} */ ([['run.mjs', byImport], ['run.cjs', byRequire]])) {
    it(`runs as ${file}`, () => {
      const output = inProject({ [file]: `${importLines(importing)}\n${RUN}` }, (folder) =>
        execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' }),
      )

      assert.deepEqual(JSON.parse(output), { sent: [64_000, 64_002], report: { closed: 1, failed: 0, timedOut: 0 }, transports: 5 })
    })
  }
})

function programOf(/** @type {string} */ configPath) {
  /** @type {ts.ParseConfigFileHost} */
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => assert.fail(String(messageText)) }
  const config = ts.getParsedCommandLineOfConfigFile(configPath, {}, host)
  if (config === undefined) throw new Error(`${configPath} cannot be read`)
  return ts.createProgram({ rootNames: config.fileNames, options: config.options, configFileParsingDiagnostics: config.errors })
}
