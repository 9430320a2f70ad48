import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksToRun, brokenLinks, objectionsToBlocks, objectionsToRun, objectionsToTypes } from '../../test/support/guide.ts'
import { codeBlocks, readText, type CodeBlock } from '../../test/support/markdown.ts'
import * as library from '../../src/index.ts'

const ROOT = new URL('../../', import.meta.url)
const INDEX = 'docs/README.md'
/** The pages beside the guides. */
const OTHERS = [
  INDEX,
  'README.md',
  'SECURITY.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  'examples/hosts/README.md',
  'examples/market-feed/README.md',
  'examples/metrics/README.md',
  'examples/socket.io-adapter/README.md',
  'examples/trading-desk/README.md',
]

function page(path: string): string {
  return readText(new URL(path, ROOT))
}

function pages(...paths: string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, page(path)]))
}

function markdownIn(folder: string): string[] {
  return readdirSync(new URL(folder, ROOT)).filter((name) => name.endsWith('.md')).map((name) => `${folder}${name}`)
}

function existsInRoot(path: string): boolean {
  return existsSync(fileURLToPath(new URL(path, ROOT)))
}

const guides = pages(...markdownIn('docs/').filter((path) => path !== INDEX))
const all = new Map([...pages(...OTHERS), ...guides])

/** The scripts in the package.json of a folder of the repository. */
function scriptsOf(folder: string): string[] {
  const path = `${folder}package.json`
  if (!existsInRoot(path)) return []
  const { scripts = {} } = JSON.parse(page(path)) as { scripts?: Record<string, string> }
  return Object.keys(scripts)
}

/** The commands in a page that name a script, or a folder to install, that does not exist. */
function unknownCommands(text: string): string[] {
  const uninstallable = Array.from(text.matchAll(/npm (?:ci --prefix (\S+?)|--prefix (\S+) ci)(?=[\s`.])/g))
    .filter(([, folder, before = '']) => !existsInRoot(`${folder ?? before}/package-lock.json`))
    .map(([command]) => command)
  const unknown = Array.from(text.matchAll(/npm (?:--prefix (\S+) )?(?:run (?:--silent )?([\w-]+)|(test))\b/g))
    .filter(([, folder, script, itself = '']) => !scriptsOf(folder === undefined ? '' : `${folder}/`).includes(script ?? itself))
    .map(([command]) => command)
  return [...uninstallable, ...unknown]
}

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guides-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

function objectionsWhenRun(block: CodeBlock): string[] {
  return objectionsToRun(block, join(folder, `${block.line}.mjs`))
}

describe('the guides', () => {
  it('are all in the index', () => {
    const listed = [...page(INDEX).matchAll(/^\| \[[^\]]+\]\(([\w-]+\.md)\) \|/gm)].map(([, name]) => `docs/${name}`)

    expect(listed.toSorted()).toEqual([...guides.keys()].toSorted())
  })

  it('link to files and headings that exist, as the other pages do', () => {
    expect(brokenLinks(all, existsInRoot)).toEqual([])
  })

  it.each([...all])('name commands that exist, as the other pages do: %s', (_, text) => {
    expect(unknownCommands(text)).toEqual([])
  })

  it('have TypeScript that compiles, every block of it', () => {
    expect(objectionsToTypes(guides)).toEqual([])
  })

  it.each([...guides.keys()])('have blocks that are checked: %s', (path) => {
    expect(objectionsToBlocks(guides.get(path) ?? '')).toEqual([])
  })

  const blocks = [...guides].flatMap(([path, guide]) => blocksToRun(guide).map((block) => ({ place: `${path}:${block.line}`, block })))

  it.each(blocks)('do what they say: $place', ({ block }) => {
    expect(objectionsWhenRun(block)).toEqual([])
  })
})

describe('the guide to the errors', () => {
  const guide = page('docs/errors.md')
  const declared = [...page('src/errors.ts').matchAll(/^ {2}\| '(ERR_\w+)'$/gm)].map(([, code]) => code)

  it('has a section for every code, and for no other', () => {
    expect([...guide.matchAll(/^### (ERR_\w+)$/gm)].map(([, code]) => code)).toEqual(declared)
  })

  it('provokes each code under its own heading', () => {
    const provoked = codeBlocks(guide).flatMap(({ heading, code }) => {
      const [, thrown] = /\/\/ throws (ERR_\w+)/.exec(code) ?? []
      return thrown === undefined ? [] : [{ heading, thrown }]
    })

    expect(provoked).toEqual(declared.map((code) => ({ heading: code, thrown: code })))
  })
})

describe('the guide to the guarantees', () => {
  const guide = page('docs/guarantees.md')

  function pairs(pattern: RegExp): unknown[] {
    return Array.from(guide.matchAll(pattern), ([, promise, suites]) => ({ promise, suites }))
  }

  it('explains each promise of its table, and names the same suites', () => {
    const promised = pairs(/^\| \[([^\]]+)\]\(#[^)]+\) \| ([^|]+) \|/gm)
    const explained = pairs(/^## (.+)\n[^]*?^\*\*Test suites:\*\* ([^.]+)\./gm)

    expect(promised.length).toBeGreaterThan(8)
    expect(explained).toEqual(promised)
  })

  it('names for each rule a test that exists', () => {
    const rows = [...guide.matchAll(/\| `(\S+\.test\.ts)` › (.+) \|$/gm)]

    expect(rows.length).toBeGreaterThan(20)
    for (const [, path, title = ''] of rows) {
      const file = [`test/unit/${path}`, `test/${path}`].find(existsInRoot) ?? `no ${path}`
      expect(page(file).replaceAll("\\'", "'"), `${path} › ${title}`).toContain(`'${title}'`)
    }
  })
})

describe('the manual', () => {
  const manual = page('docs/manual.md')

  it('shows the wire form as it is', () => {
    const text = codeBlocks(manual).find(({ heading, language }) => heading === 'The wire form' && language === 'json')?.code.trim() ?? ''

    expect(library.serializeStreamMessage(library.parseStreamMessage(text))).toBe(text)
  })

  it('states the defaults of the options as they are, together with the guide to pressure', () => {
    const declared = [...page('src/options.ts').matchAll(/^ {2}(\w+): ([\d_]+),$/gm)].map(([, name, value = '']) => [name, value.replaceAll('_', ',')])

    const tables = manual + page('docs/pressure.md')
    const stated = [...tables.matchAll(/^\| `(?:\w+\.)?(\w+)` \| ([\d,]+) \|/gm)].map(([, name, value]) => [name, value])

    expect(stated).toHaveLength(15)
    expect(stated.toSorted()).toEqual(declared.toSorted())
  })
})

describe('CONTRIBUTING', () => {
  const text = page('CONTRIBUTING.md')

  it('says how many seeded bugs there are', () => {
    const [, seeded] = /(\d+) bugs can be seeded/.exec(text) ?? []

    expect(Number(seeded)).toBe(readdirSync(new URL('test/property/mutants/bugs/', ROOT)).length)
  })

  it('names for each suite a long form, a short form, and the folder in which both run', () => {
    const { scripts } = JSON.parse(page('package.json')) as { scripts: Record<string, string> }
    const suites = [...text.matchAll(/^\| `npm run (\w+).* \| `npm run (\w+).*` \| `(\S+)` \|/gm)]

    const ownPackage = /--prefix test\/(property|system)\//
    expect(suites.map(([, long]) => long).toSorted()).toEqual(Object.keys(scripts).filter((name) => ownPackage.test(scripts[name] ?? '')).toSorted())
    for (const [, long = '', short, folder] of suites) {
      expect(short).toBe(long)
      expect(scripts[long]).toContain(folder)
    }
  })
})

describe('the guide to the hosts', async () => {
  const guide = page('docs/hosts.md')
  const url = new URL('docs/recipes.js', ROOT).href
  const { withRecipes, recipes } = (await import(url)) as { withRecipes(guide: string): string; recipes: readonly string[] }

  it('shows every recipe, each as the very file that it is', () => {
    const shown = codeBlocks(guide).flatMap(({ note }) => /^recipe: (\S+)$/.exec(note ?? '')?.[1] ?? [])

    expect(shown.toSorted()).toEqual(recipes.toSorted())
    expect(guide).toBe(withRecipes(guide))
  })

  it('is brought up to date by a script, which leaves all else as it is', () => {
    const recipe = guideOf(page('examples/hosts/ws.ts').trimEnd(), { note: '<!-- recipe: ws.ts -->' })
    const other = guideOf('let x = 1')

    expect(withRecipes(guideOf('let stale = true', { note: '<!-- recipe: ws.ts -->' }) + other)).toBe(recipe + other)
    expect(() => withRecipes(guideOf('', { note: '<!-- recipe: nothing.ts -->' }))).toThrow('nothing.ts')
  })
})

describe('the guide to the architecture', () => {
  it('places every file and folder of src', () => {
    const placed = [...page('docs/architecture.md').matchAll(/^[├└]── ([\w-]+(?:\.ts|\/))/gm)].map(([, name]) => name)
    const there = readdirSync(new URL('src/', ROOT), { withFileTypes: true }).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))

    expect(placed.toSorted()).toEqual(there.toSorted())
  })
})

/** A guide whose one block has this code. */
function guideOf(code: string, { note = '', output = '' } = {}): string {
  return ['# Guide', '', ...(note && [note]), '```ts', code, '```', '', ...(output && ['```text', output, '```'])].join('\n') + '\n'
}

function blockOf(...guide: Parameters<typeof guideOf>): CodeBlock {
  const [block] = codeBlocks(guideOf(...guide))
  if (block === undefined) throw new Error('This guide has no block')
  return block
}

const LIBRARY = "import { ConnectionManager, streamKey } from 'stream-connection-manager'"

describe('the check of the guides', () => {
  it('has nothing against a sound guide', () => {
    const guide = guideOf(`${LIBRARY}\nconsole.log(streamKey('PRICE', 'BTCUSDT'))`, { output: 'PRICE:BTCUSDT' })

    expect(objectionsToBlocks(guide)).toEqual([])
    expect(objectionsToTypes(new Map([['docs/guide.md', guide]]))).toEqual([])
    expect(blocksToRun(guide).flatMap(objectionsWhenRun)).toEqual([])
  })

  it.each<[what: string, guide: string, objection: RegExp]>([
    ['a block that is not run for no reason', guideOf('let x = 1', { note: '<!-- not run -->' }), /^4: "not run" says neither/],
    ['a note that means nothing', guideOf('let x = 1', { note: '<!-- compile only: slow -->' }), /^4: "compile only: slow" says neither/],
    ['an output of what is not run', guideOf('let x = 1', { note: '<!-- not run: slow -->', output: '1' }), /^4: nobody runs what/],
    ['a language that nobody checks', '# Guide\n\n```js\nlet x = 1\n```\n', /^3: nobody checks js$/],
  ])('objects to %s', (_, guide, objection) => {
    expect(objectionsToBlocks(guide)).toContainEqual(expect.stringMatching(objection))
  })

  it.each<[what: string, code: string]>([
    ['a block with a wrong type', "const x: number = 'one'"],
    ['a call that the library does not take', `${LIBRARY}\nnew ConnectionManager().publish({ streamType: 'PRICE', data: 1 })`],
    ['an import that the library does not have', "import { connect } from 'stream-connection-manager'\nconnect()"],
    ['a name from another block', 'console.log(manager)'],
  ])('objects to %s, by its line', (_, code) => {
    const guide = guideOf(code)

    expect(objectionsToTypes(new Map([['docs/guide.md', guide]]))[0]).toMatch(/^docs\/guide\.md@3\.ts:[12]: ./)
  })

  it('compiles what is not run, and leaves a recipe to its own folder', () => {
    const wrong = 'const x: number = true'
    const guide = `${guideOf(wrong, { note: '<!-- not run: it needs Bun -->' })}${guideOf(wrong, { note: '<!-- recipe: ws.ts -->' })}`

    expect(objectionsToTypes(new Map([['docs/guide.md', guide]]))).toHaveLength(1)
  })

  it.each<[what: string, block: CodeBlock, objection: RegExp]>([
    ['a wrong output', blockOf("console.log('one')", { output: 'two' }), /^it prints "one\\n", and not "two\\n"$/],
    ['an output that is not there', blockOf('', { output: 'two' }), /^it prints "", and not "two\\n"$/],
    ['an output that is not told of', blockOf("console.log('one')"), /^it prints "one\\n", and not ""$/],
    ['an error', blockOf("throw new Error('boom')"), /^it ends with [^]*boom[^]*, and not well$/],
    ['an error that does not come', blockOf('let x = 1 // throws ERR_INVALID_ID'), /^it ends well, and not ERR_INVALID_ID$/],
    ['another error', blockOf(`${LIBRARY}\nstreamKey('') // throws ERR_INVALID_ID`), /^it ends ERR_INVALID_KEY, and not ERR_INVALID_ID$/],
    [
      'an error that comes too early',
      blockOf(`${LIBRARY}\nstreamKey('')\nstreamKey('') // throws ERR_INVALID_KEY`),
      /^it ends with [^]*, and not ERR_INVALID_KEY$/,
    ],
    ['a wait that nothing ends', blockOf('await new Promise(() => {})'), /^it ends with 13: /],
    ['a test that fails', blockOf("import { test } from 'node:test'\ntest('it', () => { throw new Error('boom') })"), /^it ends with 1: /],
  ])('objects to %s', (_, block, objection) => {
    expect(objectionsWhenRun(block)).toEqual([expect.stringMatching(objection)])
  })

  it.each<[what: string, text: string, broken: string[]]>([
    ['takes a link to a file', '[a](b.md) [c](../src/d.ts)', []],
    ['takes a link to a heading', '[a](b.md#two-words) [c](#a-title)\n\n# A title', []],
    ['takes a link to another site', '[a](https://example.org/nothing)', []],
    ['takes code for no link', '`[a](nothing.md)`\n\n```ts\nx[a](b)\n```\n', []],
    ['objects to a link to no file', '[a](nothing.md)', ['docs/a.md: nothing.md']],
    ['objects to a link to no heading', '[a](b.md#three-words)', ['docs/a.md: b.md#three-words']],
    ['objects to a link to no heading of its own', '[a](#nothing)', ['docs/a.md: #nothing']],
    ['objects to a link to a heading in code', '[a](#sh)\n\n```sh\n# sh\n```\n', ['docs/a.md: #sh']],
  ])('%s', (_, text, broken) => {
    const known = new Map([['docs/a.md', text], ['docs/b.md', '## Two `words`\n']])

    expect(brokenLinks(known, (path) => known.has(path) || path === 'src/d.ts')).toEqual(broken)
  })
})
