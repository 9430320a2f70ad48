import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { currentReports } from './api-report.js'
import { committedReports, differencesBetween } from './api.js'
import { packedEntries, packedFiles, unhashed } from './packed.js'
import { withSpoiledProject } from './spoiled.js'

const WRITE_ANEW = 'Look at it, then write the reports anew: npm --prefix test/package run api'

/** What the check says of the root entry when something that it declares is declared otherwise. */
async function saidOf(/** @type {string} */ declaration, /** @type {string} */ otherwise) {
  const [root] = packedEntries()
  const [path = 'none'] = [...packedFiles()].find(([path, contents]) => path.endsWith('.d.ts') && contents.includes(declaration)) ?? []
  const change = { [path]: (/** @type {string} */ text) => text.replace(declaration, otherwise) }
  const reports = await withSpoiledProject(change, (project) => currentReports(project, [root]))
  const [said = ''] = differencesBetween(reports, new Map([...committedReports()].filter(([name]) => reports.has(name))))
  return said
}

describe('the public API', () => {
  const files = packedFiles()

  it('is what its reports say', () => {
    const differences = differencesBetween(currentReports(), committedReports())

    assert.deepEqual(differences, [], `${differences.join('\n')}\n${WRITE_ANEW}`)
  })

  it('is the same for those who require the library', () => {
    const common = [...files].filter(([path]) => path.endsWith('.d.cts'))
    const ofModules = new Map([...files].map(([path, contents]) => [unhashed(path), unhashed(contents.toString())]))

    for (const [path, contents] of common) {
      const declared = unhashed(contents.toString()).replaceAll(".cjs'", ".js'")
      assert.equal(declared, ofModules.get(unhashed(path).replace('.d.cts', '.d.ts')), path)
    }
  })

  it('shows a changed type as a diff', async () => {
    const said = await saidOf('removeConnection(connectionId: string): Promise<boolean>', 'removeConnection(connectionId: string): Promise<void>')

    assert.match(said, /^api\/index\.api\.md differs/)
    assert.match(said, /^-\s+removeConnection\(connectionId: string\): Promise<boolean>;$/m)
    assert.match(said, /^\+\s+removeConnection\(connectionId: string\): Promise<void>;$/m)
  })

  it('shows a change of a type that only other types make public', async () => {
    const said = await saidOf("type SymbolField<TRule> = TRule extends 'required'", "type SymbolField<TRule> = TRule extends 'none'")

    assert.match(said, /^\+type SymbolField<TRule> = TRule extends 'none'/m)
  })

  it('refuses declarations that do not compile', async () => {
    await assert.rejects(saidOf('interface GapNotice {', 'interface GapNotice extends Missing {'), /Missing/)
  })
})

describe('differencesBetween', () => {
  const reports = new Map([['a.api.md', 'a\n'], ['b.api.md', 'b\n']])

  it('finds none between reports that are alike', () => {
    assert.deepEqual(differencesBetween(reports, new Map(reports)), [])
  })

  it('names an entry that has no report, and a report that has no entry', () => {
    const one = new Map([['a.api.md', 'a\n']])

    assert.deepEqual(differencesBetween(reports, one), ['api/b.api.md is missing'])
    assert.deepEqual(differencesBetween(one, reports), ['api/b.api.md is of an entry that there is no more'])
  })

  it('shows the lines that differ', () => {
    const [said = ''] = differencesBetween(new Map([['a.api.md', 'a\nc\n']]), new Map([['a.api.md', 'a\nb\n']]))

    assert.match(said, /^api\/a\.api\.md differs from the types:\n@@ .+ @@\n a\n-b\n\+c\n$/)
  })
})
