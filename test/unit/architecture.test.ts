import { readdirSync, readFileSync } from 'node:fs'
import { posix, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

interface Layer {
  readonly name: string
  readonly parts: readonly string[]
  readonly areRooms?: true
  readonly isApart?: true
  readonly builtOn?: readonly string[]
  readonly isForTests?: true
}

/**
 * The layers of src, lowest first. A file may import from its own layer and from lower ones.
 *
 * A name that ends in `/` is a folder. In a layer of `rooms`, a folder may not import from another folder of the layer.
 * A layer that is `apart` is for users alone: it imports from its own folder and the lowest layer, and nothing imports from it. One that is `builtOn`
 * others imports from those as well.
 * A layer `for tests` imports values only from its own folder and the lowest layer, and types from the others.
 */
const LAYERS: readonly Layer[] = [
  { name: 'vocabulary', parts: ['model/', 'ports/', 'collections/', 'guards/', 'time/', 'events/', 'errors.ts'] },
  { name: 'rooms', parts: ['registry/', 'access/', 'delivery/', 'closing/', 'demand/'], areRooms: true },
  { name: 'options', parts: ['options.ts'] },
  { name: 'services', parts: ['services/'] },
  { name: 'assembly', parts: ['assembly.ts', 'hidden-members.ts'] },
  { name: 'manager', parts: ['connection-manager.ts'] },
  { name: 'index', parts: ['index.ts'] },
  { name: 'transports', parts: ['transports/'], isApart: true },
  { name: 'throttle', parts: ['throttle/'], isApart: true },
  { name: 'recovery', parts: ['recovery/'], isApart: true },
  { name: 'cluster', parts: ['cluster/'], isApart: true },
  { name: 'backplanes', parts: ['backplanes/'], isApart: true },
  { name: 'client', parts: ['client/'], isApart: true },
  { name: 'protocol', parts: ['protocol/'], isApart: true },
  { name: 'operations', parts: ['operations/'], isApart: true, builtOn: ['protocol/', 'recovery/', 'cluster/'] },
  { name: 'hosts', parts: ['hosts/'], isApart: true, builtOn: ['transports/', 'protocol/'] },
  { name: 'testing', parts: ['testing/'], isForTests: true },
]

/** The index files of the package. Each is a list of named exports, and no other file is. */
const INDEXES = [
  'index.ts', 'backplanes/memory/index.ts', 'backplanes/redis/index.ts', 'client/index.ts', 'cluster/index.ts', 'operations/index.ts', 'protocol/index.ts', 'recovery/index.ts',
  'testing/index.ts', 'throttle/index.ts',
]

/** File → text. Paths are relative to src, with forward slashes. */
type Sources = Readonly<Record<string, string>>

interface Place {
  readonly layer: number
  readonly part: string
}

function placeOf(file: string): Place | undefined {
  for (const [layer, { parts }] of LAYERS.entries()) {
    const part = parts.find((each) => (each.endsWith('/') ? file.startsWith(each) : file === each))
    if (part !== undefined) return { layer, part }
  }
  return undefined
}

/** All violations in the imports of these files; empty if there are none. */
function objectionsTo(sources: Sources): string[] {
  const files = Object.keys(sources)
  const arrows = files.flatMap((file) => specifiersIn(sources[file] ?? '').map((specifier) => ({ file, specifier })))
  const graph = new Map(files.map((file) => [file, specifiersIn(sources[file] ?? '').map((specifier) => resolved(file, specifier))]))
  return [
    ...files.filter((file) => placeOf(file) === undefined).map((file) => `${file} is in no layer`),
    ...files.flatMap((file) => objectionsToText(file, sources[file] ?? '')),
    ...arrows.flatMap(({ file, specifier }) => objectionsToArrow(file, specifier, sources)),
    ...cyclesIn(graph).map((cycle) => `${cycle.join(' → ')} is a cycle`),
  ]
}

/** All modules that a file names in `import`, `import type`, `export … from`, `import()` and `require()`, including types. */
function specifiersIn(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName)
}

/** The modules from which a file imports or exports values, and not only types. */
function valuesOf(text: string): string[] {
  return statementsOf(text).flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
    const clause = ts.isImportDeclaration(statement) ? statement.importClause : statement
    const { moduleSpecifier } = statement
    return clause?.isTypeOnly === true || !moduleSpecifier || !ts.isStringLiteral(moduleSpecifier) ? [] : [moduleSpecifier.text]
  })
}

function resolved(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier)
}

function objectionsToText(file: string, text: string): string[] {
  const { referencedFiles, typeReferenceDirectives } = ts.preProcessFile(text, true, true)
  return [
    ...[...referencedFiles, ...typeReferenceDirectives].map(({ fileName }) => `${file} references ${fileName}`),
    ...(INDEXES.includes(file) ? objectionsToIndex(file, text) : objectionsToBarrel(file, text)),
  ]
}

function objectionsToIndex(file: string, text: string): string[] {
  return statementsOf(text)
    .filter((statement) => !ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause))
    .map((statement) => `${file} has more than named exports: ${statement.getText().split('\n')[0]}`)
}

function objectionsToBarrel(file: string, text: string): string[] {
  const statements = statementsOf(text)
  const imported = new Set(statements.filter(ts.isImportDeclaration).flatMap(namesImportedBy))
  const passesOn = statements.filter(ts.isExportDeclaration).some(({ moduleSpecifier, exportClause }) => {
    if (moduleSpecifier !== undefined) return true
    const names = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : []
    return names.some(({ name, propertyName }) => imported.has((propertyName ?? name).text))
  })
  return passesOn || posix.basename(file) === 'index.ts' ? [`${file} is a barrel`] : []
}

function statementsOf(text: string): readonly ts.Statement[] {
  return ts.createSourceFile('file.ts', text, ts.ScriptTarget.ES2022, true).statements.slice()
}

function namesImportedBy({ importClause }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings
  const named = bindings === undefined ? [] : ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [bindings.name.text]
  return importClause?.name ? [importClause.name.text, ...named] : named
}

function objectionsToArrow(file: string, specifier: string, sources: Sources): string[] {
  if (!/^\.\.?\//.test(specifier)) return [`${file} imports the package ${specifier}`]
  const target = resolved(file, specifier)
  if (!Object.hasOwn(sources, target)) return [`${file} imports ${specifier}, which is no file of src`]
  const [from, to] = [placeOf(file), placeOf(target)]
  if (from === undefined || to === undefined) return []
  if (from.part === to.part || LAYERS[from.layer]?.builtOn?.includes(to.part) === true) return []
  if (LAYERS[to.layer]?.isApart === true) return [`${file} imports ${target}, which is for users alone`]
  if (LAYERS[from.layer]?.isApart === true && to.layer > 0) return [`${file} imports ${target}, which is no vocabulary`]
  const isByValue = LAYERS[from.layer]?.isForTests === true && to.layer > 0 && valuesOf(sources[file] ?? '').includes(specifier)
  if (isByValue) return [`${file} imports more than the types of ${target}`]
  if (from.layer < to.layer) return [`${file} imports ${target} from a layer above its own`]
  const areStrangers = from.layer === to.layer && LAYERS[from.layer]?.areRooms === true
  return areStrangers ? [`${file} imports ${target} from another room`] : []
}

function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start !== -1) cycles.push([...path.slice(start), file])
    if (start !== -1 || done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

function sourcesOfTheLibrary(): Sources {
  const folder = fileURLToPath(new URL('../../src/', import.meta.url))
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'))
  return Object.fromEntries(paths.map((path) => [path.split(sep).join('/'), readFileSync(`${folder}${path}`, 'utf8')]))
}

const LONGEST_FUNCTION = 39
const LONGEST_FACADE = 400

/** Code that is hard to read, in any layer: `any`, and functions that do not fit on a screen. */
function objectionsToCode(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)
    const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1
    const objections: string[] = []
    const visit = (node: ts.Node): void => {
      const [from, to] = [lineOf(node.getStart()), lineOf(node.end)]
      if (node.kind === ts.SyntaxKind.AnyKeyword) objections.push(`${file}:${from} uses any`)
      if (ts.isFunctionLike(node) && to - from >= LONGEST_FUNCTION) objections.push(`${file}:${from} has a function of ${to - from + 1} lines`)
      ts.forEachChild(node, visit)
    }
    visit(source)
    return objections
  })
}

/** A small library without violations, to which a test adds one. */
const SOUND: Sources = {
  'errors.ts': '/// <reference lib="es2022" />\nexport class Failure extends Error {}',
  'model/keys.ts': "import { Failure } from '../errors.ts'\nexport const key = Failure.name",
  'registry/users.ts': "import type { key } from '../model/keys.ts'\nexport type Users = typeof key",
  'registry/records.ts': "import type { Users } from './users.ts'\nexport interface Records { users: Users }",
  'delivery/delivery.ts': "import { key } from '../model/keys.ts'\nexport const text = `import x from 'y' ${key}`",
  'transports/frame.ts': "import { key } from '../model/keys.ts'\nexport const frame = key",
  'transports/ws.ts': "import { frame } from './frame.ts'\nimport { Failure } from '../errors.ts'\nexport const ws = [frame, Failure]",
  'throttle/offers.ts': "import { key } from '../model/keys.ts'\nexport const offers = key",
  'throttle/index.ts': "export { offers } from './offers.ts'",
  'protocol/answers.ts': "import { key } from '../model/keys.ts'\nexport const answer = key",
  'hosts/sse.ts': "import { ws } from '../transports/ws.ts'\nimport { answer } from '../protocol/answers.ts'\nexport const host = [ws, answer]",
  'options.ts': "import type { Records } from './registry/records.ts'\nexport interface Options { records: Records }",
  'connection-manager.ts': "import { text } from './delivery/delivery.ts'\nimport type { Options } from './options.ts'\nexport class Manager { options?: Options; text = text }",
  'index.ts': "export { Manager } from './connection-manager.ts'\nexport type { Options } from './options.ts'",
  'testing/fake.ts': "import type { Manager } from '../index.ts'\nimport { key } from '../model/keys.ts'\nexport type Fake = [Manager, typeof key]",
  'testing/index.ts': "export type { Fake } from './fake.ts'",
}

describe('the architecture of src', () => {
  it('has no import that its layers forbid, no cycle, no barrel and no package', () => {
    const sources = sourcesOfTheLibrary()

    expect(Object.keys(sources).length).toBeGreaterThan(20)
    expect(objectionsTo(sources)).toEqual([])
  })

  it('has a file for every name in the table of layers', () => {
    const files = Object.keys(sourcesOfTheLibrary())

    const unused = LAYERS.flatMap(({ parts }) => parts).filter((part) => !files.some((file) => placeOf(file)?.part === part))

    expect(unused).toEqual([])
  })
})

describe('the code of src', () => {
  it('has no any, and no function of 40 lines', () => {
    expect(objectionsToCode(sourcesOfTheLibrary())).toEqual([])
  })

  it(`has a façade of at most ${LONGEST_FACADE} lines`, () => {
    expect(sourcesOfTheLibrary()['connection-manager.ts']?.split('\n').length).toBeLessThanOrEqual(LONGEST_FACADE)
  })
})

describe('the check of the code', () => {
  it.each([
    ['any', 'export let x: any', 'a.ts:1 uses any'],
    ['a function of 40 lines', `export function f(): void {${'\n'.repeat(39)}}`, 'a.ts:1 has a function of 40 lines'],
    ['a method of 40 lines', `class A {\n  m(): void {${'\n'.repeat(39)}}\n}`, 'a.ts:2 has a function of 40 lines'],
  ])('objects to %s', (_, text, objection) => {
    expect(objectionsToCode({ 'a.ts': text })).toEqual([objection])
  })

  it('accepts a function of 39 lines, and a word that begins with any', () => {
    expect(objectionsToCode({ 'a.ts': `export function anything(): void {${'\n'.repeat(38)}}` })).toEqual([])
  })
})

describe('the check of the architecture', () => {
  it('accepts a sound library', () => {
    expect(objectionsTo(SOUND)).toEqual([])
  })

  it.each<[what: string, faults: Sources, objection: string]>([
    [
      'an import of a package',
      { 'errors.ts': "import ws from 'ws'" },
      'errors.ts imports the package ws',
    ],
    [
      'a type import of a package',
      { 'errors.ts': "import type { WebSocket } from 'ws'\nexport type S = WebSocket" },
      'errors.ts imports the package ws',
    ],
    [
      'a built-in module of Node',
      { 'errors.ts': "import { inspect } from 'node:util'\nexport const x = inspect" },
      'errors.ts imports the package node:util',
    ],
    [
      'an import for its effects',
      { 'errors.ts': "import 'node:process'" },
      'errors.ts imports the package node:process',
    ],
    [
      'a dynamic import',
      { 'errors.ts': "export const x = (): unknown => import('node:fs')" },
      'errors.ts imports the package node:fs',
    ],
    [
      'a type that is imported in place',
      { 'errors.ts': "export type X = import('ws').WebSocket" },
      'errors.ts imports the package ws',
    ],
    [
      'an import of a file outside src',
      { 'errors.ts': "import x from '../package.json'" },
      'errors.ts imports ../package.json, which is no file of src',
    ],
    [
      'a reference to the types of a package',
      { 'errors.ts': '/// <reference types="node" />' },
      'errors.ts references node',
    ],
    [
      'a room that imports another one',
      { 'registry/users.ts': "import { text } from '../delivery/delivery.ts'\nexport const x = text" },
      'registry/users.ts imports delivery/delivery.ts from another room',
    ],
    [
      'a room that imports the types of another one',
      { 'delivery/delivery.ts': "import type { Users } from '../registry/users.ts'\nexport type X = Users" },
      'delivery/delivery.ts imports registry/users.ts from another room',
    ],
    [
      'vocabulary that imports a room',
      { 'model/keys.ts': "import type { Users } from '../registry/users.ts'\nexport type X = Users" },
      'model/keys.ts imports registry/users.ts from a layer above its own',
    ],
    [
      'a room that imports the options',
      { 'delivery/delivery.ts': "import type { Options } from '../options.ts'\nexport type X = Options" },
      'delivery/delivery.ts imports options.ts from a layer above its own',
    ],
    [
      'a room that imports a transport',
      { 'delivery/delivery.ts': "import { frame } from '../transports/frame.ts'\nexport const x = frame" },
      'delivery/delivery.ts imports transports/frame.ts, which is for users alone',
    ],
    [
      'a manager that imports the types of a transport',
      { 'connection-manager.ts': "import type { ws } from './transports/ws.ts'\nexport type X = typeof ws" },
      'connection-manager.ts imports transports/ws.ts, which is for users alone',
    ],
    [
      'an index that exports a transport',
      { 'index.ts': "export { ws } from './transports/ws.ts'" },
      'index.ts imports transports/ws.ts, which is for users alone',
    ],
    [
      'vocabulary that imports a transport',
      { 'errors.ts': "import type { ws } from './transports/ws.ts'\nexport type X = typeof ws" },
      'errors.ts imports transports/ws.ts, which is for users alone',
    ],
    [
      'a transport that imports a room',
      { 'transports/ws.ts': "import { text } from '../delivery/delivery.ts'\nexport const x = text" },
      'transports/ws.ts imports delivery/delivery.ts, which is no vocabulary',
    ],
    [
      'a transport that imports the types of the options',
      { 'transports/ws.ts': "import type { Options } from '../options.ts'\nexport type X = Options" },
      'transports/ws.ts imports options.ts, which is no vocabulary',
    ],
    [
      'a transport that imports the index',
      { 'transports/ws.ts': "import type { Manager } from '../index.ts'\nexport type X = Manager" },
      'transports/ws.ts imports index.ts, which is no vocabulary',
    ],
    [
      'a throttle that imports the types of the manager',
      { 'throttle/offers.ts': "import type { Manager } from '../connection-manager.ts'\nexport type X = Manager" },
      'throttle/offers.ts imports connection-manager.ts, which is no vocabulary',
    ],
    [
      'a throttle that imports a transport',
      { 'throttle/offers.ts': "import { ws } from '../transports/ws.ts'\nexport const x = ws" },
      'throttle/offers.ts imports transports/ws.ts, which is for users alone',
    ],
    [
      'a protocol that imports a transport',
      { 'protocol/answers.ts': "import { ws } from '../transports/ws.ts'\nexport const x = ws" },
      'protocol/answers.ts imports transports/ws.ts, which is for users alone',
    ],
    [
      'a host that imports the throttle',
      { 'hosts/ws.ts': "import { offers } from '../throttle/offers.ts'\nexport const x = offers" },
      'hosts/ws.ts imports throttle/offers.ts, which is for users alone',
    ],
    [
      'a transport that imports a host',
      { 'transports/ws.ts': "import { host } from '../hosts/ws.ts'\nexport const ws = host", 'hosts/ws.ts': 'export const host = 1' },
      'transports/ws.ts imports hosts/ws.ts, which is for users alone',
    ],
    [
      'a manager that imports the throttle',
      { 'connection-manager.ts': "import { offers } from './throttle/offers.ts'\nexport const x = offers" },
      'connection-manager.ts imports throttle/offers.ts, which is for users alone',
    ],
    [
      'options that import the manager',
      { 'options.ts': "import type { Manager } from './connection-manager.ts'\nexport type X = Manager" },
      'options.ts imports connection-manager.ts from a layer above its own',
    ],
    [
      'anything that imports the index',
      { 'connection-manager.ts': "import type { Options } from './index.ts'\nexport type X = Options" },
      'connection-manager.ts imports index.ts from a layer above its own',
    ],
    [
      'a cycle of two',
      { 'errors.ts': "import type { key } from './model/keys.ts'\nexport type X = typeof key" },
      'errors.ts → model/keys.ts → errors.ts is a cycle',
    ],
    [
      'a cycle of three',
      {
        'registry/users.ts': "import type { A } from './a.ts'\nexport type U = A",
        'registry/a.ts': "import type { R } from './records.ts'\nexport type A = R",
        'registry/records.ts': "import type { U } from './users.ts'\nexport type R = U",
      },
      'registry/users.ts → registry/a.ts → registry/records.ts → registry/users.ts is a cycle',
    ],
    [
      'a file that imports itself',
      { 'errors.ts': "import type { X } from './errors.ts'\nexport type Y = X" },
      'errors.ts → errors.ts is a cycle',
    ],
    [
      'a barrel',
      { 'model/all.ts': "export * from './keys.ts'" },
      'model/all.ts is a barrel',
    ],
    [
      'a barrel of types',
      { 'model/all.ts': "export type { key } from './keys.ts'" },
      'model/all.ts is a barrel',
    ],
    [
      'a barrel that re-exports what it imported',
      { 'model/all.ts': "import { key } from './keys.ts'\nexport { key as theKey }" },
      'model/all.ts is a barrel',
    ],
    [
      'an index below the index',
      { 'model/index.ts': 'export const x = 1' },
      'model/index.ts is a barrel',
    ],
    [
      'a file that is in no layer',
      { 'utils.ts': 'export const x = 1' },
      'utils.ts is in no layer',
    ],
    [
      'an index that exports everything',
      { 'index.ts': "export * from './errors.ts'" },
      "index.ts has more than named exports: export * from './errors.ts'",
    ],
    [
      'an index that exports a namespace',
      { 'index.ts': "export * as errors from './errors.ts'" },
      "index.ts has more than named exports: export * as errors from './errors.ts'",
    ],
    [
      'an index with code of its own',
      { 'index.ts': 'export const version = 1' },
      'index.ts has more than named exports: export const version = 1',
    ],
    [
      'an index of a sub-path that exports everything',
      { 'testing/index.ts': "export * from './fake.ts'" },
      "testing/index.ts has more than named exports: export * from './fake.ts'",
    ],
    [
      'an index that exports the test kit',
      { 'index.ts': "export type { Fake } from './testing/fake.ts'" },
      'index.ts imports testing/fake.ts from a layer above its own',
    ],
    [
      'a transport that imports the test kit',
      { 'transports/ws.ts': "import type { Fake } from '../testing/fake.ts'\nexport type X = Fake" },
      'transports/ws.ts imports testing/fake.ts, which is no vocabulary',
    ],
    [
      'a test kit that imports the values of the manager',
      { 'testing/fake.ts': "import { Manager } from '../index.ts'\nexport type Fake = Manager" },
      'testing/fake.ts imports more than the types of index.ts',
    ],
    [
      'a test kit that exports the values of the options',
      { 'testing/index.ts': "export { Options } from '../options.ts'" },
      'testing/index.ts imports more than the types of options.ts',
    ],
    [
      'a test kit that imports the types of a transport',
      { 'testing/fake.ts': "import type { ws } from '../transports/ws.ts'\nexport type Fake = typeof ws" },
      'testing/fake.ts imports transports/ws.ts, which is for users alone',
    ],
  ])('objects to %s', (_, faults, objection) => {
    expect(objectionsTo({ ...SOUND, ...faults })).toContain(objection)
  })
})
