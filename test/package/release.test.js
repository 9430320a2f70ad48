import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { repositoryOf, stage, STAGED, withAbsoluteLinks } from '../../release/stage.js'
import { packInto } from '../support/pack.js'
import { NAME, ROOT } from './pack.js'
import { packedFiles } from './packed.js'

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const repository = repositoryOf(manifest)

/** @returns {string} what a command prints */
function run(/** @type {string} */ command, /** @type {readonly string[]} */ args, cwd = ROOT) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** @returns {string[]} the targets of a text's links, those of HTML included; code is none */
function linksIn(/** @type {string} */ markdown) {
  const prose = markdown.replaceAll(/^```[^]*?^```|`[^`\n]+`/gm, '')
  return Array.from(prose.matchAll(/\]\(([^)\s]+)|^\[[^\]\n]+\]: (\S+)|(?:href|src)="([^"]+)"/gm), ([, ...targets]) => targets.join(''))
}

describe('the packed texts', () => {
  const files = packedFiles()
  const links = ['README.md', 'CHANGELOG.md'].flatMap((path) => linksIn(String(files.get(path))))

  it('have no relative link', () => {
    assert.deepEqual(links.filter((link) => !/^(#|https:\/\/)/.test(link)), [])
  })

  it('lead to files that the repository has', () => {
    const paths = links.filter((link) => link.startsWith(repository)).map((link) => link.slice(`${repository}/blob/HEAD/`.length).split('#')[0])

    assert.ok(paths.length > 0)
    assert.deepEqual(paths.filter((path) => !existsSync(join(ROOT, path))), [])
  })
})

describe('relative links', () => {
  const page = 'https://example.com/owner/name'

  it('become absolute, with what they have behind the #', () => {
    const markdown = 'See [`a`](docs/a.md), [b](./b.md#part) and [c].\n\n[c]: c/\n'

    const expected = `See [\`a\`](${page}/blob/HEAD/docs/a.md), [b](${page}/blob/HEAD/b.md#part) and [c].\n\n[c]: ${page}/blob/HEAD/c/\n`
    assert.equal(withAbsoluteLinks(markdown, page), expected)
  })

  for (const text of ['[a](#part)', '[a](https://example.com)', '[a](mailto:a@example.com)', '`all[0](a)`', '```js\nall[0](a)\n```']) {
    it(`are not what ${JSON.stringify(text)} has`, () => {
      assert.equal(withAbsoluteLinks(text, page), text)
    })
  }
})

describe('the repository', () => {
  it('is named alike by package.json and by all links to it', () => {
    const texts = run('git', ['ls-files', '-z', '*.md', 'package.json', 'jsr.json']).split('\0').filter((path) => path !== '')
    const named = texts.flatMap((path) => {
      const urls = readFileSync(join(ROOT, path), 'utf8').matchAll(/github\.com\/[^\s)"'>`]+/g)
      return Array.from(urls, ([url]) => ({ path, url: `https://${url}` }))
    })
    const ours = named.filter(({ url }) => url.includes(NAME))

    assert.ok(ours.length > 0)
    assert.deepEqual(ours.filter(({ url }) => !url.startsWith(repository)), [])
  })

  it('has the homepage and the bugs', () => {
    assert.equal(manifest.homepage, `${repository}#readme`)
    assert.deepEqual(manifest.bugs, { url: `${repository}/issues` })
  })
})

describe('the packed manifest', () => {
  it('is that of the repository, without scripts and the versions of its tools', () => {
    const { scripts, devDependencies, overrides, ...published } = manifest

    assert.deepEqual(JSON.parse(String(packedFiles().get('package.json'))), published)
  })
})

describe('packing', () => {
  const stateOfTree = () => [run('git', ['status', '--porcelain']), run('git', ['diff'])]

  it('leaves the work tree as it is, also if it fails', () => {
    const before = stateOfTree()

    stage()
    assert.throws(() => run('npm', ['pack', STAGED, '--pack-destination', join(STAGED, 'missing')]))

    assert.deepEqual(stateOfTree(), before)
  })
})

describe('packing for a test', () => {
  it('does not use the folder to publish from, which another program may be filling', () => {
    const folder = mkdtempSync(join(tmpdir(), 'packed-'))
    const mark = join(STAGED, 'mark')
    stage()
    writeFileSync(mark, '')
    try {
      assert.ok(existsSync(packInto(folder)))
      assert.ok(existsSync(mark))
    } finally {
      rmSync(mark, { force: true })
      rmSync(folder, { recursive: true })
    }
  })
})

describe('an installation from git, of what is committed', () => {
  it('is built, and can be imported and required', () => {
    const project = mkdtempSync(join(tmpdir(), 'from-git-'))
    try {
      writeFileSync(join(project, 'package.json'), '{ "private": true }')
      run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `git+${pathToFileURL(ROOT).href.replace(/\/$/, '')}`], project)

      const code = `import { ConnectionManager } from '${NAME}'
        import { createRequire } from 'node:module'
        const common = createRequire(import.meta.url)('${NAME}')
        console.log(new ConnectionManager().closed, new common.ConnectionManager().closed)`
      assert.equal(run(process.execPath, ['--input-type=module', '--eval', code], project), 'false false\n')
    } finally {
      rmSync(project, { recursive: true })
    }
  })
})
