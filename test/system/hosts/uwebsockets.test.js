import assert from 'node:assert/strict'
import { it } from 'node:test'
import { listen } from '../../../examples/hosts/uwebsockets.ts'
import { connectWs } from './clients/ws-client.ts'
import { heartbeatElsewhere } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

it('runs uWebSockets.js itself, not the fallback of its package', () => {
  const { sharedObjects } = /** @type {{ sharedObjects: string[] }} */ (process.report.getReport())
  assert.ok(sharedObjects.some((path) => /uws_.*\.node$/.test(path)))
})

testRecipe({
  host: 'uWebSockets.js',
  recipe: 'uwebsockets.ts',
  packages: ['uWebSockets.js'],
  listen,
  connect: connectWs,
  skip: [heartbeatElsewhere('uWS sends pings and waits 60 s for an answer; the suite does not wait so long')],
})
