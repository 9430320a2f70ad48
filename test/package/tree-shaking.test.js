import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BUNDLERS, bundled } from './bundle.js'
import { CLIENT_HALVES } from './client-halves.js'
import { NAME } from './pack.js'
import { packedEntries } from './packed.js'
import { withSpoiledProject } from './spoiled.js'

/** @import { Bundle } from './bundle.js' */

/** What a client may need: the vocabulary of streams, how errors are made, and how options are read by name. All else serves the manager. */
const CLIENT = /^src\/(model\/.+|errors|guards\/(named-fields|user-code))\.ts$/

/** webpack leaves a bare `Symbol.iterator` of a class that it drops. */
const MOST_LEFTOVER_BYTES = 64

const OPERATIONS = `${NAME}/operations`

const MANAGER = /^src\/connection-manager\.ts: \d{4,} bytes$/m

/** @returns {string} what a bundle has of the manager; nothing, if it is less than can be code of any use */
function foundOfManagerIn(/** @type {Bundle} */ { sources }) {
  const found = [...sources].filter(([source]) => !CLIENT.test(source))
  const bytes = found.reduce((sum, [, bytes]) => sum + bytes, 0)
  return bytes > MOST_LEFTOVER_BYTES ? found.map(([source, bytes]) => `${source}: ${bytes} bytes`).join('\n') : ''
}

/** What of the operations is in a bundle. */
function operationsIn(/** @type {Bundle} */ { sources }) {
  return [...sources.keys()].filter((source) => source.startsWith('src/operations/'))
}

/** @returns {Promise<Record<string, unknown>>} */
function loaded(/** @type {Bundle} */ { code }) {
  return import(`data:text/javascript,${encodeURIComponent(code)}`)
}

for (const bundler of Object.keys(BUNDLERS)) {
  describe(bundler, () => {
    for (const { names, use, answer } of CLIENT_HALVES) {
      it(`leaves the manager out of an import of ${names.join(' and ')}`, async () => {
        const bundle = await bundled(bundler, `export { ${names.join(', ')} } from '${NAME}'`)

        const library = await loaded(bundle)

        assert.deepEqual(Object.keys(library), names)
        assert.deepEqual(use(library), answer)
        assert.equal(foundOfManagerIn(bundle), '')
      })
    }

    it('has the manager in an import of ConnectionManager', async () => {
      const bundle = await bundled(bundler, `export { ConnectionManager } from '${NAME}'`)

      assert.match(foundOfManagerIn(bundle), MANAGER)
    })

    it('leaves the operations out of whatever does not import them', async () => {
      const everythingElse = packedEntries().filter(({ specifier }) => specifier !== OPERATIONS)

      const without = await bundled(bundler, everythingElse.map(({ specifier }, i) => `export * as entry${i} from '${specifier}'`).join('\n'))
      const withThem = await bundled(bundler, `export * from '${OPERATIONS}'`)

      assert.deepEqual(operationsIn(without), [])
      assert.ok(everythingElse.length > 10)
      assert.deepEqual(operationsIn(withThem).filter((source) => source.endsWith('/drain.ts')), ['src/operations/drain/drain.ts'])
    })

    it('has the manager in any import of a package with side effects', async () => {
      const spoiling = {
        'package.json': (/** @type {string} */ text) => text.replace('"sideEffects": false', '"sideEffects": true'),
        'dist/index.js': (/** @type {string} */ text) => text.replace('\nexport {', '\nglobalThis.kept = ConnectionManager\nexport {'),
      }

      const bundle = await withSpoiledProject(spoiling, (project) => bundled(bundler, `export { StreamType } from '${NAME}'`, project))

      assert.match(foundOfManagerIn(bundle), MANAGER)
    })
  })
}
