import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { after, describe, it } from 'node:test'
import { listen } from '../../../examples/hosts/sse-post.ts'
import { leavingSse } from './clients/leaving.ts'
import { connectSsePost } from './clients/sse-client.ts'
import { AT_ONCE } from './recipe-tests.ts'
import { ENDS_UNREAD_LATE } from './skips.ts'
import { testRecipe } from './test-recipe.ts'

/** @import { IncomingMessage } from 'node:http' */
/** @import { Listening } from '../../../examples/hosts/listening.ts' */

testRecipe({
  host: 'node:http, server-sent events and POST',
  recipe: 'sse-post.ts',
  listen,
  beatsByClock: true,
  connect: connectSsePost,
  connectAndLeave: leavingSse,
  skip: [ENDS_UNREAD_LATE],
})

const SUBSCRIBE = '{"command":"subscribe","stream_type":"PRICE","symbol":"A"}'

describe('a POST to the recipe for server-sent events and POST', { timeout: 30_000 }, () => {
  /** @type {Listening | undefined} */
  let server
  after(() => server?.stop(AT_ONCE))

  for (const [whose, user, status] of /** @type {const} */ ([
    ['of the connection\'s user is carried out', 'alice', 204],
    ['of another user is not', 'mallory', 404],
    ['of nobody is not', '', 401],
  ])) {
    it(`${whose}: ${status}`, async () => {
      server = await listen()
      const alice = await connectSsePost(server.port, 'alice', [])
      const [connection] = server.manager.connections()

      const response = await post(server.port, user, connection?.id ?? '', SUBSCRIBE)

      assert.equal(response.statusCode, status)
      assert.equal(server.manager.subscriptionCount, status === 204 ? 1 : 0)
      await alice.destroy()
      await server.stop(AT_ONCE)
    })
  }

  it('that is too long is refused, and its connection ends', async () => {
    server = await listen()

    const response = await post(server.port, 'alice', 'none', ' '.repeat(100_000))

    assert.deepEqual([response.statusCode, response.headers.connection], [413, 'close'])
    await server.stop(AT_ONCE)
  })

  it('that comes while the server ends leaves no connection open', async () => {
    server = await listen()
    const { manager, port, stop } = server
    await manager.cleanup()

    const response = await post(port, 'alice', 'none', SUBSCRIBE)

    assert.deepEqual([response.statusCode, response.headers.connection], [404, 'close'])
    await stop(AT_ONCE)
  })
})

/** @returns {Promise<IncomingMessage>} */
async function post(/** @type {number} */ port, /** @type {string} */ user, /** @type {string} */ connection, /** @type {string} */ body) {
  const url = `http://127.0.0.1:${port}/?${new URLSearchParams({ user, connection })}`
  const sent = request(url, { method: 'POST' }).on('error', () => {}) // the server may end it before it has left
  sent.end(body)
  const [response] = await once(sent, 'response')
  return response.resume()
}
