import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeBlocks, readText } from '../../test/support/markdown.ts'
import { runnable, typeErrors } from '../../test/support/typescript.ts'

const readme = readText(new URL('../../README.md', import.meta.url))
const blocks = codeBlocks(readme)

describe('README', () => {
  let folder = ''

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'))
  })

  afterAll(() => {
    rmSync(folder, { recursive: true })
  })

  it('can be read in five minutes: it has at most 12,000 bytes', () => {
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(12_000)
  })

  it('prints from its first example what it says that it prints', () => {
    const { code = '', output } = blocks.find(({ heading, language }) => heading === 'Fifteen lines' && language === 'ts') ?? {}
    const path = join(folder, 'first.mjs')
    writeFileSync(path, runnable(code))

    const printed = execFileSync(process.execPath, [path], { encoding: 'utf8' })

    expect(printed).toBe(output)
  })

  it('has TypeScript that compiles, every block of it', () => {
    const sources = blocks.filter(({ language }) => language === 'ts').map(({ code }, i) => [`readme-${i}.ts`, code] as const)

    expect(sources.length).toBeGreaterThan(1)
    expect(typeErrors(new Map(sources))).toEqual([])
  })

  it('links each promise to the section that explains it', () => {
    const promises = [...readme.matchAll(/^- \[([^\]]+)\]\(docs\/guarantees\.md#([\w-]+)\): /gm)]

    expect(promises).toHaveLength(8)
    for (const [, promise = '', anchor] of promises) expect(anchor).toBe(promise.toLowerCase().replaceAll(' ', '-'))
  })
})
