import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as source from '../../src/index.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NAME = 'stream-connection-manager'

/** The sub-paths, each with the names that it has at run time, and those that are types alone. */
const SUB_PATHS: Readonly<Record<string, { readonly values: readonly string[]; readonly types: readonly string[] }>> = {
  'transports/ws': { values: ['wsTransport'], types: ['WsFrame', 'WsSocket'] },
  'transports/uws': { values: ['uwsTransport'], types: ['UwsSocket'] },
  'transports/bun': { values: ['bunTransport'], types: ['BunSocket'] },
  'transports/sse': { values: ['sseHeaders', 'sseSocket', 'sseTransport'], types: ['SseFrame', 'SseOptions', 'SseSocket', 'SseTarget'] },
  testing: {
    values: ['FakeSocket', 'ManualClock', 'describeHost', 'fakeTransport', 'hostTests', 'hosted'],
    types: [
      'Awaitable',
      'DescribeHostOptions',
      'EssentialHostTest',
      'FakeSocketOptions',
      'HostClient',
      'HostCounts',
      'HostHarness',
      'HostReport',
      'HostRequest',
      'HostSkip',
      'HostTest',
      'HostTestName',
      'HostTestResult',
      'Hostable',
      'HostedManager',
      'PatienceOptions',
      'ReceivedMessage',
      'RunningHost',
      'SkippableHostTest',
      'SocketScript',
      'TestRunner',
    ],
  },
}

const ENTRIES = ['index', ...Object.keys(SUB_PATHS)]

const RUNTIME_NAMES = [
  'ConnectionManager',
  'ConnectionManagerError',
  'StreamType',
  'SubscriptionStatus',
  'createStreamMessage',
  'defineStreams',
  'parseServerMessage',
  'parseStreamKey',
  'parseStreamMessage',
  'parseSubscriptionKey',
  'rawJson',
  'serializeStreamMessage',
  'streamKey',
  'subscriptionKey',
  'tradingStreams',
]

/** Names that are types alone. `StreamType` and `SubscriptionStatus` are types as well as values. */
const TYPE_NAMES = [
  'ActiveStream',
  'AddressedMessage',
  'Audience',
  'AuthorizationRequest',
  'CleanupReport',
  'Clock',
  'CloseReason',
  'Connection',
  'ConnectionManagerOptions',
  'ConnectionSubscribeRequest',
  'DefinedStreams',
  'DeliveryClass',
  'DeliveryOptions',
  'ErrorCode',
  'ErrorFacts',
  'ErrorStage',
  'GapNotice',
  'ManagerEvents',
  'ManagerTransport',
  'MessageOptions',
  'OverflowPolicy',
  'OwnSubscription',
  'PayloadOf',
  'PrivateStreamDefinition',
  'PublicMessage',
  'PublicStreamDefinition',
  'PublishResult',
  'PublishableMessage',
  'QuotaName',
  'QuotaOptions',
  'RawJson',
  'Revocation',
  'ServerMessage',
  'Socket',
  'Stats',
  'StreamCatalogue',
  'StreamDefinition',
  'StreamKeyParts',
  'StreamMessage',
  'StreamReference',
  'StreamTypeName',
  'SubscribeRequest',
  'Subscription',
  'SubscriptionEvent',
  'SubscriptionFilters',
  'SubscriptionKeyParts',
  'SubscriptionReference',
  'SymbolRule',
  'SymbolRuleOf',
  'TradingStreams',
  'Transport',
  'TransportHooks',
  'ValidMessage',
]

type Library = Record<string, unknown> & typeof source

const requireBuilt = createRequire(import.meta.url)

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** The files of dist, those of its sub-folders included. */
function filesOfDist(): string[] {
  const entries = readdirSync(join(ROOT, 'dist'), { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
}

async function loadedAsModule(entry = 'index'): Promise<Library> {
  return (await import(new URL(`../../dist/${entry}.js`, import.meta.url).href)) as Library
}

function loadedByRequire(entry = 'index'): Library {
  return requireBuilt(`../../dist/${entry}.cjs`) as Library
}

/** The names that a built declaration file exports, apart by whether they are types alone. */
function declaredNames(path: string): { readonly values: string[]; readonly types: string[] } {
  const file = join(ROOT, path)
  const program = ts.createProgram([file], { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [] })
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.Node)
  const symbols = module === undefined ? [] : checker.getExportsOfModule(module)
  const namesOf = (some: readonly ts.Symbol[]): string[] => some.map(({ name }) => name).sort()
  return {
    values: namesOf(symbols.filter((symbol) => isValue(symbol, checker))),
    types: namesOf(symbols.filter((symbol) => !isValue(symbol, checker))),
  }
}

function isValue(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
  if (isAlias && symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) === true) return false
  return ((isAlias ? checker.getAliasedSymbol(symbol) : symbol).flags & ts.SymbolFlags.Value) !== 0
}

describe('the built library', () => {
  it('has exactly these names at run time, as ES module and as CommonJS', async () => {
    expect(Object.keys(await loadedAsModule()).sort()).toEqual(RUNTIME_NAMES)
    expect(Object.keys(loadedByRequire()).sort()).toEqual(RUNTIME_NAMES)
  })

  it('is built of what src has now', () => {
    expect(Object.keys(source).sort()).toEqual(RUNTIME_NAMES)
  })

  it.each(['dist/index.d.ts', 'dist/index.d.cts'])('declares exactly these names in %s', (path) => {
    expect(declaredNames(path)).toEqual({ values: RUNTIME_NAMES, types: TYPE_NAMES })
  })

  it.each(Object.entries(SUB_PATHS))('has exactly its names in %s, as ES module and as CommonJS', async (entry, { values, types }) => {
    expect(Object.keys(await loadedAsModule(entry)).sort()).toEqual(values)
    expect(Object.keys(loadedByRequire(entry)).sort()).toEqual(values)
    for (const ending of ['.d.ts', '.d.cts']) expect(declaredNames(`dist/${entry}${ending}`)).toEqual({ values, types })
  })

  it('makes errors, raw JSON and catalogues that both of its copies understand', async () => {
    const module = await loadedAsModule()
    const common = loadedByRequire()
    const streams = common.defineStreams({ NEWS: { audience: 'public', symbol: 'none' } })

    const text = module.serializeStreamMessage({ streamType: 'NEWS', data: common.rawJson('[1.0]') }, { streams })

    expect(module.ConnectionManager).not.toBe(common.ConnectionManager)
    expect(text).toContain('"data":[1.0],')
    expect(() => common.parseStreamMessage('')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_MESSAGE' }) as Error)
  })

  it.each(filesOfDist())('says in %s nothing of the machine that built it', (file) => {
    expect(read(file)).not.toContain(ROOT)
  })
})

describe('package.json', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, unknown>

  it('asks for nothing at run time but Node 20', () => {
    expect(manifest).toMatchObject({ name: NAME, type: 'module', sideEffects: false, engines: { node: '>=20' } })
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies', 'bundleDependencies', 'bundledDependencies']) {
      expect(manifest).not.toHaveProperty(kind)
    }
  })

  it('runs nothing where it is installed from the registry', () => {
    for (const script of ['preinstall', 'install', 'postinstall']) expect(manifest['scripts']).not.toHaveProperty(script)
  })

  it('leads importers and requirers each to their own code and types', () => {
    expect(manifest['exports']).toStrictEqual({
      '.': {
        import: { types: './dist/index.d.ts', default: './dist/index.js' },
        require: { types: './dist/index.d.cts', default: './dist/index.cjs' },
      },
      './transports/ws': {
        import: { types: './dist/transports/ws.d.ts', default: './dist/transports/ws.js' },
        require: { types: './dist/transports/ws.d.cts', default: './dist/transports/ws.cjs' },
      },
      './transports/uws': {
        import: { types: './dist/transports/uws.d.ts', default: './dist/transports/uws.js' },
        require: { types: './dist/transports/uws.d.cts', default: './dist/transports/uws.cjs' },
      },
      './transports/bun': {
        import: { types: './dist/transports/bun.d.ts', default: './dist/transports/bun.js' },
        require: { types: './dist/transports/bun.d.cts', default: './dist/transports/bun.cjs' },
      },
      './transports/sse': {
        import: { types: './dist/transports/sse.d.ts', default: './dist/transports/sse.js' },
        require: { types: './dist/transports/sse.d.cts', default: './dist/transports/sse.cjs' },
      },
      './testing': {
        import: { types: './dist/testing.d.ts', default: './dist/testing.js' },
        require: { types: './dist/testing.d.cts', default: './dist/testing.cjs' },
      },
      './package.json': './package.json',
    })
  })

  it('names types before code, since the first condition that holds is taken', () => {
    const { './package.json': _, ...entries } = manifest['exports'] as Record<string, Record<string, object>>

    for (const condition of Object.values(entries).flatMap(Object.values)) expect(Object.keys(condition as object)).toEqual(['types', 'default'])
  })

  it('serves tools that know no exports', () => {
    expect(manifest).toMatchObject({ main: './dist/index.cjs', module: './dist/index.js', types: './dist/index.d.ts' })
  })
})

interface Consumer {
  readonly kind: string
  readonly type: 'module' | 'commonjs'
  readonly module: string
  readonly moduleResolution: string
  readonly importing: (name: string, specifier: string) => string
  readonly declarations: '.d.ts' | '.d.cts'
}

const byImport = (name: string, specifier: string): string => `import * as ${name} from '${specifier}'`
const byRequire = (name: string, specifier: string): string => `import ${name} = require('${specifier}')`

const CONSUMERS: readonly Consumer[] = [
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
    importing: byRequire,
    declarations: '.d.cts',
  },
]

/** What the code of a consumer calls the library, and its sub-paths. */
const IMPORTED: Readonly<Record<string, string>> = {
  library: NAME,
  ws: `${NAME}/transports/ws`,
  uws: `${NAME}/transports/uws`,
  bun: `${NAME}/transports/bun`,
  sse: `${NAME}/transports/sse`,
  testing: `${NAME}/testing`,
}

function importLines(importing: Consumer['importing']): string {
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
manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 64000 })
manager.cleanup().then((report) => console.log(JSON.stringify({ sent, report, transports: transports.length })))
`

// npm, and TypeScript with a cold start, may take longer than a test usually may where the machine is busy.
describe('the packed library', () => {
  let folder = ''
  let packed: string[] = []

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'scm-package-'))
    const env = { ...process.env, npm_config_offline: 'true', npm_config_update_notifier: 'false', npm_config_loglevel: 'silent' }
    const npm = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
    const [tarball] = JSON.parse(execFileSync('npm', npm, { cwd: ROOT, encoding: 'utf8', env })) as [
      { filename: string; files: { path: string }[] },
    ]
    packed = tarball.files.map(({ path }) => path)
    execFileSync('tar', ['-xzf', tarball.filename], { cwd: folder })
  })

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  /** A project that has the packed library installed, and nothing else. */
  function projectOf({ type, module, moduleResolution, importing }: Consumer): string {
    const project = mkdtempSync(join(folder, 'consumer-'))
    const compilerOptions = { module, moduleResolution, target: 'es2022', lib: ['es2022'], types: [], strict: true, skipLibCheck: false, noEmit: true }
    mkdirSync(join(project, 'node_modules'))
    cpSync(join(folder, 'package'), join(project, 'node_modules', NAME), { recursive: true })
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type }))
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
    writeFileSync(join(project, 'main.ts'), `${importLines(importing)}\n${CONSUMER_CODE}`)
    writeFileSync(join(project, 'run.mjs'), `${importLines(byImport)}\n${RUN}`)
    writeFileSync(join(project, 'run.cjs'), `${importLines((name, specifier) => `const ${name} = require('${specifier}')`)}\n${RUN}`)
    return project
  }

  it('has the built library, the texts that belong to it, and nothing else', () => {
    const built = filesOfDist()

    expect(packed.toSorted()).toEqual([...built, 'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'].sort())
    for (const entry of ENTRIES) {
      expect(built).toEqual(expect.arrayContaining(['.js', '.cjs', '.d.ts', '.d.cts'].map((ending) => `dist/${entry}${ending}`)))
    }
  })

  it.each(CONSUMERS.map((consumer) => [consumer.kind, consumer] as const))('type-checks in %s, its declarations included', (_, consumer) => {
    const program = programOf(join(projectOf(consumer), 'tsconfig.json'))

    const complaints = ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    const paths = program.getSourceFiles().map(({ fileName }) => fileName.split(`${NAME}/dist/`)[1] ?? '').filter((path) => path !== '')

    expect(complaints).toEqual([])
    expect(paths).toEqual(expect.arrayContaining(ENTRIES.map((entry) => `${entry}${consumer.declarations}`)))
    expect(paths.filter((path) => !path.endsWith(consumer.declarations))).toEqual([])
  })

  it.each(['run.mjs', 'run.cjs'])('runs as %s', (file) => {
    const [consumer] = CONSUMERS as [Consumer]

    const output = execFileSync(process.execPath, [file], { cwd: projectOf(consumer), encoding: 'utf8' })

    expect(JSON.parse(output)).toEqual({ sent: [64_000], report: { closed: 1, failed: 0, timedOut: 0 }, transports: 5 })
  })

  it('lets tools read its package.json', () => {
    const [consumer] = CONSUMERS as [Consumer]
    const requireThere = createRequire(join(projectOf(consumer), 'package.json'))

    expect(requireThere(`${NAME}/package.json`)).toMatchObject({ name: NAME })
    expect(() => requireThere(`${NAME}/dist/index.cjs`)).toThrow(expect.objectContaining({ code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' }) as Error)
  })
})

function programOf(configPath: string): ts.Program {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }: ts.Diagnostic) => expect.fail(String(messageText)) }
  const config = ts.getParsedCommandLineOfConfigFile(configPath, {}, host)
  if (config === undefined) throw new Error(`${configPath} cannot be read`)
  return ts.createProgram({ rootNames: config.fileNames, options: config.options, configFileParsingDiagnostics: config.errors })
}
