import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LIBRARY = 'stream-connection-manager'

/** What an import names → the file of src, and of dist, without its ending. */
const ENTRIES: Readonly<Record<string, string>> = {
  [LIBRARY]: 'index',
  [`${LIBRARY}/transports/ws`]: 'transports/ws',
  [`${LIBRARY}/transports/uws`]: 'transports/uws',
  [`${LIBRARY}/transports/bun`]: 'transports/bun',
  [`${LIBRARY}/transports/sse`]: 'transports/sse',
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
  paths: Object.fromEntries(Object.entries(ENTRIES).map(([specifier, entry]) => [specifier, [`${ROOT}src/${entry}.ts`]])),
} satisfies ts.CompilerOptions

/** What TypeScript has to say against these sources, each as if it were a file of its own in the root folder. */
export function typeErrors(sources: ReadonlyMap<string, string>, ambient: readonly string[] = []): string[] {
  const files = new Map(Array.from(sources, ([name, code]) => [`${ROOT}${name}`, code]))
  const host = ts.createCompilerHost(OPTIONS)
  const { getSourceFile, fileExists } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const code = files.get(path)
    return code === undefined ? getSourceFile(path, languageVersion, ...rest) : ts.createSourceFile(path, code, languageVersion)
  }
  const program = ts.createProgram([...files.keys(), ...ambient.map((path) => `${ROOT}${path}`)], OPTIONS, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
    return `${file?.fileName.replace(ROOT, '') ?? ''}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/** The JavaScript of a source that imports the library, or a sub-path of it, by name: it imports the built one instead. */
export function runnable(code: string): string {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { target: OPTIONS.target, module: OPTIONS.module } })
  const built = (entry: string): string => JSON.stringify(new URL(`../../dist/${entry}.js`, import.meta.url).href)
  return Object.entries(ENTRIES).reduce((text, [specifier, entry]) => text.replaceAll(`'${specifier}'`, built(entry)), outputText)
}
