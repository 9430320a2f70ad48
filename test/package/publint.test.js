import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packedFiles } from './packed.js'
import { spoiled } from './spoiled.js'

/** @import { Files } from './packed.js' */

/** Everything that publint has to say, its suggestions included. */
async function saidOf(/** @type {Files} */ files) {
  const packed = Array.from(files, ([name, data]) => ({ name: `package/${name}`, data: new Uint8Array(data) }))
  const { messages, pkg } = await publint({ pkgDir: 'package', strict: true, level: 'suggestion', pack: { files: packed } })
  return messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
}

describe('publint', () => {
  const files = packedFiles()

  it('has nothing to say of the packed library', async () => {
    assert.deepEqual(await saidOf(files), [])
  })

  it('notices an entry that leads to no file', async () => {
    const without = spoiled(files, 'package.json', (text) => text.replaceAll('./dist/transports/ws.cjs', './dist/ws.cjs'))

    assert.match((await saidOf(without)).join('\n'), /does not exist/)
  })

  it('notices what is no more than a suggestion', async () => {
    const without = spoiled(files, 'package.json', (text) => text.replace('"type": "module",', ''))

    assert.notDeepEqual(await saidOf(without), [])
  })
})
