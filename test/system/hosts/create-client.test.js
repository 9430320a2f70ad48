import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSource } from 'eventsource'
import { createClient } from 'stream-connection-manager/client'
import { WebSocket } from 'ws'
import { listen as listenCrossws } from '../../../examples/hosts/crossws.ts'
import { listen as listenExpress } from '../../../examples/hosts/express.ts'
import { listen as listenFastify } from '../../../examples/hosts/fastify.ts'
import { listen as listenHono } from '../../../examples/hosts/hono.ts'
import { listen as listenNest } from '../../../examples/hosts/nest.ts'
import { listen as listenHttp } from '../../../examples/hosts/sse.ts'
import { listen as listenPosts } from '../../../examples/hosts/sse-post.ts'
import { listen as listenUws } from '../../../examples/hosts/uwebsockets.ts'
import { listen as listenWs } from '../../../examples/hosts/ws.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'

/** @import { ClientOptions } from 'stream-connection-manager/client' */

// The client of the library on each recipe that has WebSockets or event streams.

const TRADES = /** @type {const} */ ({ streamType: 'TRADES', symbol: 'BTCUSDT' })

/** @type {(port: number) => ClientOptions} */
const overWs = (port) => ({ connect: () => new WebSocket(`ws://127.0.0.1:${port}/?user=alice`) })

/** @type {(port: number) => ClientOptions} */
const overEvents = (port) => ({ connect: ({ commands }) => new EventSource(`http://127.0.0.1:${port}/?${new URLSearchParams({ user: 'alice', commands })}`) })

/** @type {(port: number) => ClientOptions} */
const overEventsAndPosts = (port) => ({
  connect: () => new EventSource(`http://127.0.0.1:${port}/?user=alice`),
  async send(body, connection) {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/?${new URLSearchParams({ user: 'alice', connection })}`, { method: 'POST', body })
    if (!ok) throw new Error(`Refused: ${status}`)
  },
})

/** What a client gets that is cut off between two messages. */
const WITHOUT_HISTORY = [1, 'gap', 2, 'ended']
const WITH_RECOVERY = [1, 2, 'ended']

const HOSTS = /** @type {const} */ ([
  ['ws', listenWs, overWs],
  ['Express with ws', listenExpress, overWs],
  ['Fastify', listenFastify, overWs],
  ['Hono', listenHono, overWs],
  ['NestJS', listenNest, overWs, WITH_RECOVERY],
  ['crossws', listenCrossws, overWs],
  ['uWebSockets.js', listenUws, overWs],
  ['node:http, server-sent events', listenHttp, overEvents],
  ['node:http, server-sent events and POST', listenPosts, overEventsAndPosts],
])

describe('createClient', { timeout: 60_000 }, () => {
  // The timers of the client and of the server keep no process alive, and between two connections nothing else does.
  /** @type {NodeJS.Timeout} */
  let alive
  before(() => (alive = setInterval(() => {}, 1_000)))
  after(() => clearInterval(alive))

  for (const [host, listen, optionsOf, expected = WITHOUT_HISTORY] of HOSTS) {
    it(`is a client of ${host}: it gets messages, comes back when it is cut off, and leaves when the server ends`, async () => {
      const { manager, port, stop } = await listen()
      const client = createClient({ ...optionsOf(port), backoff: { minMs: 10, maxMs: 50 } })
      /** @type {unknown[]} */
      const heard = []
      /** @type {(string | undefined)[]} */
      const reasons = []
      client.on('state', ({ reason }) => {
        reasons.push(reason)
        // It would come back at once, to a server that is about to close its port.
        if (reason === 'draining') client.close()
      })
      client.subscribe(TRADES, (update) => heard.push(update.type ?? update.data))
      let answers = 0
      client.on('subscribed', () => answers++)

      while (answers < 1) await sleep(5)
      manager.publish({ ...TRADES, data: 1 })
      while (heard.length < 1) await sleep(5)
      const [connection] = manager.connections()
      await connection?.remove({ code: 1012, reason: 'cut off' })
      while (answers < 2) await sleep(5)
      manager.publish({ ...TRADES, data: 2 })
      while (!heard.includes(2)) await sleep(5)
      await stop({ perSecond: 20 })

      assert.deepEqual(heard, expected)
      assert.ok(reasons.includes('draining'), String(reasons))
      client.close()
    })
  }
})

expectNothingLeftOpen()
