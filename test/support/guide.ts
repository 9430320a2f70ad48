import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { anchorsIn, codeBlocks, linksIn, type CodeBlock } from './markdown.ts'
import { runnable, typeErrors } from './typescript.ts'

/** A page of Markdown, by its path from the root folder. */
export type Pages = ReadonlyMap<string, string>

/**
 * What becomes of a TypeScript block: it runs, it only compiles (`<!-- not run: … -->`), or it is a file that its own folder
 * compiles and runs (`<!-- recipe: … -->`).
 */
type Use = 'run' | 'compiled' | 'recipe'

/** What a block says that it ends with, on its last line. */
const THROWS = /^.*\/\/ throws (ERR_\w+)\n$/m

/** A block of another language than TypeScript is for people, and nothing is claimed of it. */
const FOR_PEOPLE: readonly string[] = ['sh', 'text', 'json']

/** The blocks of a guide that run. */
export function blocksToRun(guide: string): CodeBlock[] {
  return codeBlocks(guide).filter((block) => block.language === 'ts' && useOf(block) === 'run')
}

/** What is wrong with the blocks of a guide as such, before any is compiled or run; empty when nothing is. */
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

/** What TypeScript has to say against the blocks of these guides, each a module of its own. */
export function objectionsToTypes(guides: Pages): string[] {
  const sources = Array.from(guides).flatMap(([path, guide]) =>
    codeBlocks(guide)
      .filter((block) => block.language === 'ts' && useOf(block) !== 'recipe')
      .map(({ code, line }) => [`${path}@${line}.ts`, `${code}export {}\n`] as const),
  )
  return typeErrors(new Map(sources))
}

/** What a block does other than it says, when it runs as a file at this path; empty when nothing. */
export function objectionsToRun({ code, output = '' }: CodeBlock, path: string): string[] {
  const { printed, ended } = outcomeOf(code, path)
  const promised = THROWS.exec(code)?.[1] ?? 'well'
  return [
    ...(ended === promised ? [] : [`it ends ${ended}, and not ${promised}`]),
    ...(printed === output || reportsItself(code) ? [] : [`it prints ${JSON.stringify(printed)}, and not ${JSON.stringify(output)}`]),
  ]
}

/** What Node's test runner prints has times in it, and is no claim of the guide's. */
function reportsItself(code: string): boolean {
  return code.includes("from 'node:test'")
}

/** Says by which error a module ended; one that is not where the block says so is thrown on. */
const END = `
try {
  await import(process.argv[1])
} catch (error) {
  if (!globalThis.isAtItsEnd) throw error
  process.stderr.write(error.code)
}`

function outcomeOf(code: string, path: string): { readonly printed: string; readonly ended: string } {
  // No error counts but the one of the line that says so.
  writeFileSync(path, runnable(code.replace(THROWS, 'globalThis.isAtItsEnd = true\n$&')))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', END, pathToFileURL(path).href], { encoding: 'utf8' })
  return { printed: stdout, ended: status === 0 ? stderr.trim() || 'well' : `with ${status}: ${stderr}` }
}

/** The links of these pages that lead nowhere: to no file, or to no heading of a page among them. */
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
