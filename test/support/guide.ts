import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { anchorsIn, codeBlocks, linksIn, type CodeBlock } from './markdown.ts'
import { runnable, typeErrors } from './typescript.ts'

/** A page of Markdown, by its path from the root folder. */
export type Pages = ReadonlyMap<string, string>

/**
 * The use of a TypeScript block: it runs, it only compiles (`<!-- not run: … -->`), or it is a file that its own folder
 * compiles and runs (`<!-- recipe: … -->`).
 */
type Use = 'run' | 'compiled' | 'recipe'

/** The error code that a block ends with, as stated on its last line. */
const THROWS = /^.*\/\/ throws (ERR_\w+)\n$/m

/** Languages of blocks that are only for readers and are not checked. The grammar of the protocol is read by `test/property/protocol`. */
const FOR_PEOPLE: readonly string[] = ['sh', 'text', 'json', 'ebnf', 'nginx']

/** Stands for packages that only `test` installs. */
const AMBIENT = ['test/support/brokers.d.ts']

/** The blocks of a guide that run. */
export function blocksToRun(guide: string): CodeBlock[] {
  return codeBlocks(guide).filter((block) => block.language === 'ts' && useOf(block) === 'run')
}

/** The mistakes in the markup of a guide's blocks, before any is compiled or run; empty if there are none. */
export function objectionsToBlocks(guide: string): string[] {
  const blocks = codeBlocks(guide)
  return [
    ...blocks.filter(isUnchecked).map(({ line, language }) => `${line}: nobody checks ${language}`),
    ...blocks.filter(isMisnamed).map(({ line, note }) => `${line}: "${note}" says neither "not run: why" nor "recipe: file"`),
    ...blocks.filter(isUnproven).map(({ line }) => `${line}: nobody runs what is to print the text behind it`),
  ]
}

function isUnchecked({ language }: CodeBlock): boolean {
  return language !== 'ts' && !FOR_PEOPLE.includes(language)
}

function isMisnamed(block: CodeBlock): boolean {
  return block.language === 'ts' && useOf(block) === undefined
}

function isUnproven(block: CodeBlock): boolean {
  return block.language === 'ts' && block.output !== undefined && useOf(block) !== 'run'
}

function useOf({ note }: CodeBlock): Use | undefined {
  if (note === undefined) return 'run'
  if (/^not run: \S/.test(note)) return 'compiled'
  return /^recipe: \S+$/.test(note) ? 'recipe' : undefined
}

/** The type errors in the blocks of these guides, each compiled as its own module. */
export function objectionsToTypes(guides: Pages): string[] {
  const sources = Array.from(guides).flatMap(([path, guide]) =>
    codeBlocks(guide)
      .filter((block) => block.language === 'ts' && useOf(block) !== 'recipe')
      .map(({ code, line }) => [`${path}@${line}.ts`, `${code}export {}\n`] as const),
  )
  return typeErrors(new Map(sources), AMBIENT)
}

/** The differences between what a block states and what it does when it runs as a file at this path; empty if there are none. */
export function objectionsToRun({ code, output = '' }: CodeBlock, path: string): string[] {
  const { printed, ended } = outcomeOf(code, path)
  const promised = THROWS.exec(code)?.[1] ?? 'well'
  return [
    ...(ended === promised ? [] : [`it ends ${ended}, and not ${promised}`]),
    ...(printed === output || reportsItself(code) ? [] : [`it prints ${JSON.stringify(printed)}, and not ${JSON.stringify(output)}`]),
  ]
}

/** The output of Node's test runner includes times, so the guide cannot state it. */
function reportsItself(code: string): boolean {
  return code.includes("from 'node:test'")
}

/** Prints the code of the error that ended the module on its last line; rethrows any other error. */
const END = `
try {
  await import(process.argv[1])
} catch (error) {
  if (!globalThis.isAtItsEnd) throw error
  process.stderr.write(error.code)
}`

function outcomeOf(code: string, path: string): { readonly printed: string; readonly ended: string } {
  // Only an error on the marked line is an expected one.
  writeFileSync(path, runnable(code.replace(THROWS, 'globalThis.isAtItsEnd = true\n$&')))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', END, pathToFileURL(path).href], { encoding: 'utf8' })
  return { printed: stdout, ended: status === 0 ? stderr.trim() || 'well' : `with ${status}: ${stderr}` }
}

/** The links of these pages to a missing file, or to a missing heading of one of these pages. */
export function brokenLinks(pages: Pages, exists: (path: string) => boolean): string[] {
  return Array.from(pages).flatMap(([path, text]) =>
    linksIn(text)
      .filter((link) => !/^https?:/.test(link) && !isGood(link, path, pages, exists))
      .map((link) => `${path}: ${link}`),
  )
}

function isGood(link: string, from: string, pages: Pages, exists: (path: string) => boolean): boolean {
  const { pathname, hash } = new URL(link, `file:///${from}`)
  const target = decodeURIComponent(pathname).slice(1)
  const page = pages.get(target)
  return exists(target) && (hash === '' || (page !== undefined && anchorsIn(page).includes(decodeURIComponent(hash).slice(1))))
}
