import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as library from '../../src/index.ts'
import type { ErrorCode } from '../../src/index.ts'
import { codeBlocks, readText } from '../support/markdown.ts'
import { runnable, typeErrors } from '../support/typescript.ts'

const readme = readText(new URL('../../README.md', import.meta.url))
const blocks = codeBlocks(readme)

function block(heading: string, language = 'ts'): string {
  const found = blocks.find((each) => each.heading === heading && each.language === language)
  if (found === undefined) throw new Error(`The README has no ${language} block under "${heading}"`)
  return found.code
}

describe('README', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  function built(name: string, code: string): string {
    const path = join(folder, name)
    writeFileSync(path, runnable(code))
    return path
  }

  it('prints from its first example what it says that it prints', () => {
    const path = built('first.mjs', block('Fifteen lines'))

    const printed = execFileSync(process.execPath, [path], { encoding: 'utf8' })

    expect(printed).toBe(block('Fifteen lines', 'text'))
  })

  it('has TypeScript that compiles, every block of it', () => {
    const sources = blocks.filter(({ language }) => language === 'ts').map(({ code }, i) => [`readme-${i}.ts`, code] as const)

    expect(sources.length).toBeGreaterThan(8)
    expect(typeErrors(new Map(sources))).toEqual([])
  })

  it('says what the key functions answer', () => {
    const claims = [...block('Keys').matchAll(/^(\w+\(.*?\S) +\/\/ (.+)$/gm)]
    const evaluate = (expression = ''): unknown =>
      new Function(...Object.keys(library), `return (${expression})`)(...Object.values(library))

    expect(claims).toHaveLength(5)
    for (const [, expression, answer] of claims) expect(evaluate(expression)).toEqual(evaluate(answer))
  })

  it('shows the wire form as it is', () => {
    const text = block('The wire form', 'json').trim()
    const message = library.parseStreamMessage(text)

    expect(library.serializeStreamMessage(message)).toBe(text)
  })

  it('names for each guarantee a test that exists', () => {
    const rows = [...readme.matchAll(/\| `(\S+\.test\.ts)` › (.+) \|$/gm)]

    const testFiles = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' })

    expect(rows.length).toBeGreaterThan(20)
    for (const [, file, title = ''] of rows) {
      const path = testFiles.find((each) => basename(each) === file) ?? `no ${file}`
      const source = readText(new URL(path, import.meta.url)).replaceAll("\\'", "'")
      expect(source, `${file} › ${title}`).toContain(`'${title}'`)
    }
  })

  it('says how many seeded bugs there are', () => {
    const [, seeded] = /(\d+) bugs were seeded/.exec(readme) ?? []

    expect(Number(seeded)).toBe(readdirSync(new URL('mutants/bugs/', import.meta.url)).length)
  })

  it('names for each suite a command that package.json has', () => {
    const { scripts } = JSON.parse(readText(new URL('../../package.json', import.meta.url))) as { scripts: Record<string, string> }
    const named = [...readme.matchAll(/^\| `npm run (\w+).* \| `npm run (\w+).*` \| `(\w+)` \|/gm)]

    expect(named).toHaveLength(8)
    for (const [, long = '', short, folder = ''] of named) {
      expect(short).toBe(long)
      expect(scripts[long]).toContain(`--prefix test/${folder} run`)
    }
  })

  it('lists every error code with what to do about it, and no other', () => {
    const documented = [...readme.matchAll(/^\| `(ERR_\w+)` \| .+ \| .+ \|$/gm)].map(([, code]) => code)
    const declared = [...readText(new URL('../../src/errors.ts', import.meta.url)).matchAll(/^ {2}\| '(ERR_\w+)'$/gm)].map(([, code]) => code)

    expect(documented).toEqual(declared satisfies (string | undefined)[] as ErrorCode[])
  })

  it('states the defaults of the options as they are', () => {
    const options = readText(new URL('../../src/options.ts', import.meta.url))
    const declared = [...options.matchAll(/^ {2}(\w+): ([\d_]+),$/gm)].map(([, name, value = '']) => [name, value.replaceAll('_', ',')])

    const documented = [...readme.matchAll(/^\| `(?:\w+\.)?(\w+)` \| ([\d,]+) \|/gm)].map(([, name, value]) => [name, value])

    expect(documented).toHaveLength(15)
    expect(documented.toSorted()).toEqual(declared.toSorted())
  })
})
