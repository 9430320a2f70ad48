import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** Import specifier → the file of src that it resolves to, and the file of dist that is built from it. */
const ENTRIES = entriesOf(JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as Manifest)

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly import: { readonly default: string } }>>
}

interface Entry {
  readonly specifier: string
  readonly source: string
  readonly built: string
}

function entriesOf({ name, exports }: Manifest): Entry[] {
  return Object.entries(exports).flatMap(([subPath, target]) => {
    if (typeof target === 'string') return []
    const built = target.import.default.replace('./', ROOT)
    return [{ specifier: subPath.replace('.', name), source: sourceOf(built), built }]
  })
}

function sourceOf(built: string): string {
  const stem = built.replace(`${ROOT}dist/`, `${ROOT}src/`).replace(/\.js$/, '')
  return existsSync(`${stem}.ts`) ? `${stem}.ts` : `${stem}/index.ts`
}

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'],
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  paths: Object.fromEntries(ENTRIES.map(({ specifier, source }) => [specifier, [source]])),
} satisfies ts.CompilerOptions

/** The files on disk, read once, because most of a program is the same for all sources. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** The type errors in these sources, each compiled as a file in the root folder. */
export function typeErrors(sources: ReadonlyMap<string, string>, ambient: readonly string[] = []): string[] {
  const files = new Map(Array.from(sources, ([name, code]) => [`${ROOT}${name}`, code]))
  const host = ts.createCompilerHost(OPTIONS)
  const { getSourceFile, fileExists } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const code = files.get(path)
    if (code !== undefined) return ts.createSourceFile(path, code, languageVersion)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, languageVersion, ...rest))
    return parsed.get(path)
  }
  const program = ts.createProgram([...files.keys(), ...ambient.map((path) => `${ROOT}${path}`)], OPTIONS, host)
  return diagnosticsOf(program, (path) => files.has(path)).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
    return `${file?.fileName.replace(ROOT, '') ?? ''}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/** The rest of the program is checked elsewhere. */
function diagnosticsOf(program: ts.Program, isOurs: (path: string) => boolean): ts.Diagnostic[] {
  const ours = program.getSourceFiles().filter(({ fileName }) => isOurs(fileName))
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ]
}

/** The JavaScript of a source, with its imports of the library and its sub-paths resolved to the built files. */
export function runnable(code: string): string {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { target: OPTIONS.target, module: OPTIONS.module } })
  return ENTRIES.reduce((text, { specifier, built }) => text.replaceAll(`'${specifier}'`, JSON.stringify(pathToFileURL(built).href)), outputText)
}
