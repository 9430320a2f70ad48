import assert from 'node:assert/strict'
import { once } from 'node:events'
import { get } from 'node:http'
import { describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { listen as listenCrossws } from '../../../examples/hosts/crossws.ts'
import { listen as listenExpress } from '../../../examples/hosts/express.ts'
import { listen as listenFastify } from '../../../examples/hosts/fastify.ts'
import { listen as listenHono } from '../../../examples/hosts/hono.ts'
import { listen as listenNest } from '../../../examples/hosts/nest.ts'
import { listen as listenSsePost } from '../../../examples/hosts/sse-post.ts'
import { listen as listenSseResume } from '../../../examples/hosts/sse-resume.ts'
import { listen as listenSse } from '../../../examples/hosts/sse.ts'
import { listen as listenUws } from '../../../examples/hosts/uwebsockets.ts'
import { listen as listenWs } from '../../../examples/hosts/ws.ts'
import { connectSse } from './clients/sse-client.ts'
import { connectWs } from './clients/ws-client.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'

/** At one a second, the first newcomer is told to come back a second after the drain. */
const DRAIN = { perSecond: 1, overMs: 10_000 }

describe('a newcomer, while the server drains', { timeout: 30_000 }, () => {
  for (const [host, listen] of /** @type {const} */ ([
    ['ws', listenWs], ['Express', listenExpress], ['Fastify', listenFastify], ['Hono', listenHono], ['NestJS', listenNest], ['crossws', listenCrossws], ['uWebSockets.js', listenUws],
  ])) {
    it(`is closed with 1012 and a hint, after a goodbye: ${host}`, async () => {
      const { port, stop } = await listen()
      const alice = await connectWs(port, 'alice', [])
      const stopped = stop(DRAIN)

      const bob = new WebSocket(`ws://127.0.0.1:${port}/?user=bob`)
      const [[goodbye], [code, reason]] = await Promise.all([once(bob, 'message'), once(bob, 'close')])
      await alice.destroy()
      await stopped

      const { type, reconnect, after_ms: afterMs } = JSON.parse(String(goodbye))
      assert.deepEqual([type, reconnect, code], ['goodbye', true, 1012])
      assert.match(String(reason), /^draining, come back in \d+ s$/)
      assert.ok(afterMs > 5_000 && afterMs <= 11_000, String(afterMs))
    })
  }

  for (const [host, listen] of /** @type {const} */ ([['event streams', listenSse], ['event streams and POST', listenSsePost]])) {
    it(`is answered 503 and when to come back: ${host}`, async () => {
      const { port, stop } = await listen()
      const alice = await connectSse(port, 'alice', [])
      const stopped = stop(DRAIN)

      const [response] = await once(get(`http://127.0.0.1:${port}/?user=bob`, { agent: false }), 'response')
      const body = JSON.parse(await text(response))
      await alice.destroy()
      await stopped

      assert.deepEqual([response.statusCode, body.code], [503, 'ERR_CLOSED'])
      assert.match(response.headers['retry-after'], /^([6-9]|1[01])$/)
    })
  }

  it('that is a plain EventSource is told to come back later, because it would never come back after a 503', async () => {
    const { port, stop } = await listenSseResume()
    const follow = async (/** @type {string} */ user) => (await once(get(`http://127.0.0.1:${port}/?user=${user}&stream=TRADES:BTCUSDT`, { agent: false }), 'response'))[0]
    const alice = await follow('alice')
    await once(alice, 'data')
    const stopped = stop(DRAIN)

    const response = await follow('bob')
    const body = await text(response)
    alice.destroy()
    await stopped

    assert.equal(response.statusCode, 200)
    assert.match(body, /^retry: (1[01]|[6-9])\d{3}\n/)
    assert.doesNotMatch(body, /data:/)
  })
})

expectNothingLeftOpen()
