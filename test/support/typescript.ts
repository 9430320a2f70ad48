import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LIBRARY = 'stream-connection-manager'

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
  paths: { [LIBRARY]: [`${ROOT}src/index.ts`] },
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

/** The JavaScript of a source that imports the library by name, importing the built one instead. */
export function runnable(code: string): string {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { target: OPTIONS.target, module: OPTIONS.module } })
  return outputText.replaceAll(`'${LIBRARY}'`, JSON.stringify(new URL('../../dist/index.js', import.meta.url).href))
}
