import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkPackage, Package } from '@arethetypeswrong/core'
import { NAME } from './pack.js'
import { packedEntries, packedFiles } from './packed.js'
import { spoiled } from './spoiled.js'

/** @import { Files } from './packed.js' */

/** What is wrong with the types, in whatever way TypeScript and Node resolve them. */
async function problemsOf(/** @type {Files} */ files) {
  const laidOut = Object.fromEntries(Array.from(files, ([path, data]) => [`/node_modules/${NAME}/${path}`, new Uint8Array(data)]))
  const { version } = JSON.parse(String(files.get('package.json')))
  const analysis = await checkPackage(new Package(laidOut, NAME, version))
  if (analysis.types === false) return { entrypoints: [], problems: ['There are no types at all'] }
  return { entrypoints: Object.keys(analysis.entrypoints), problems: analysis.problems.map((problem) => JSON.stringify(problem)) }
}

describe('are the types wrong?', () => {
  const files = packedFiles()

  it('finds no problem, in any entry, under any resolution: node10, node16 from CommonJS and from ES modules, bundler', async () => {
    const { entrypoints, problems } = await problemsOf(files)

    assert.deepEqual(problems, [])
    assert.deepEqual(entrypoints, [...packedEntries().map(({ subPath }) => subPath), './package.json'])
  })

  it('notices types that are for another module system', async () => {
    const masquerading = spoiled(files, 'package.json', (text) => text.replaceAll('./dist/transports/sse.d.cts', './dist/transports/sse.d.ts'))

    const { problems } = await problemsOf(masquerading)

    assert.match(problems.join('\n'), /"FalseESM".*transports\/sse/)
  })

  it('notices a sub-path that one resolution does not find', async () => {
    const unmapped = spoiled(files, 'package.json', (text) => JSON.stringify({ ...JSON.parse(text), typesVersions: undefined }))

    const { problems } = await problemsOf(unmapped)

    assert.match(problems.join('\n'), /"NoResolution".*transports\/ws.*"node10"/)
  })
})
