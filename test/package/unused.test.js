import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from './pack.js'
import { objectionsTo, unusedIn } from './unused.js'

/** @import { Excepted, Unused } from './unused.js' */

const PROJECT = {
  'package.json': '{ "name": "project", "type": "module" }',
  'tsconfig.json': '{ "compilerOptions": { "module": "esnext", "moduleResolution": "bundler", "allowImportingTsExtensions": true, "noEmit": true } }',
  'src/index.ts': "export { used } from './names.ts'\nexport type { Used } from './names.ts'\n",
  'src/names.ts': [
    'export const used = 1',
    'export const tested = 2',
    'export const unused = 3',
    'export interface Used { readonly part: Part }',
    'export interface Part { readonly name: string }',
  ].join('\n'),
  'src/orphan.ts': 'export const orphan = 4\n',
  'test/names.test.ts': "import { tested } from '../src/names.ts'\nif (tested !== 2) throw new Error()\n",
}

describe('what src exports', () => {
  it('is used by another file of src, or by the users of the library', () => {
    const excepted = JSON.parse(readFileSync(new URL('unused.json', import.meta.url), 'utf8'))

    assert.deepEqual(objectionsTo(unusedIn(ROOT), excepted), [])
  })
})

describe('unusedIn', () => {
  it('finds values, types and files, and what tests alone use', (t) => {
    const root = mkdtempSync(join(tmpdir(), 'unused-'))
    t.after(() => rmSync(root, { recursive: true }))
    for (const [path, text] of Object.entries(PROJECT)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }

    const found = unusedIn(root).map(({ file, name }) => `${file} ${name}`)

    assert.deepEqual(found.sort(), ['src/names.ts Part', 'src/names.ts tested', 'src/names.ts unused', 'src/orphan.ts *'])
  })
})

describe('objections to exports', () => {
  const one = { file: 'src/a.ts', name: 'one' }
  const excepted = { ...one, reason: 'For a debugger.' }

  it('are none where what is unused is excepted', () => {
    assert.deepEqual(objectionsTo([one], [excepted]), [])
  })

  /** @type {[string, Unused[], Excepted[]][]} */
  const cases = [
    ['what is unused', [one], []],
    ['what is excepted under another name', [one, { ...one, name: 'two' }], [excepted]],
    ['what is excepted in another file', [one, { ...one, file: 'src/b.ts' }], [excepted]],
    ['an exception of what is used', [], [excepted]],
    ['an exception without a reason', [one], [{ ...excepted, reason: ' ' }]],
  ]
  for (const [what, unused, exceptions] of cases) {
    it(`are raised by ${what}`, () => {
      assert.equal(objectionsTo(unused, exceptions).length, 1)
    })
  }
})
