import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EventSource } from 'eventsource'
import { WebSocket as UndiciSocket } from 'undici'
import { WebSocket as WsSocket } from 'ws'
import { WebSocket as OldestWsSocket } from 'ws-oldest'
import { createClient } from '../../../dist/client.js'
import { overWebSocket, withCommandsByPost, withCommandsInUrl } from './kinds.js'
import { Server, TRADES } from './server.js'
import { until } from './until.js'

/** Each kind of connection: the options of a client that uses it. */
const KINDS = {
  'ws 8': overWebSocket(WsSocket),
  'the oldest ws 8': overWebSocket(OldestWsSocket),
  undici: overWebSocket(UndiciSocket),
  ...('WebSocket' in globalThis && { 'the WebSocket of the runtime': overWebSocket(WebSocket) }),
  'an EventSource, with commands in the URL': withCommandsInUrl(EventSource),
  'an EventSource, with commands by POST': withCommandsByPost(EventSource),
}

const backoff = { minMs: 20, maxMs: 100 }

for (const [kind, optionsFor] of Object.entries(KINDS)) {
  describe(`a client over ${kind}`, { timeout: 60_000 }, () => {
    let server
    let client
    const heard = []

    before(async () => {
      server = await Server.start()
      client = createClient({ ...optionsFor(`127.0.0.1:${server.port}`), backoff })
    })

    after(async () => {
      client.close()
      await server.kill()
    })

    it('hears messages', async () => {
      const subscription = client.subscribe(TRADES, (update) => heard.push(update.type ?? update.data))
      await until(() => subscription.live)

      server.publish(1, 2)

      await until(() => heard.length === 2)
      assert.deepEqual(heard, [1, 2])
    })

    it('hears what was published while its connection was cut, once', async () => {
      server.cut()
      server.publish(3, 4)

      await until(() => heard.length >= 4)
      server.publish(5)
      await until(() => heard.length >= 5)
      assert.deepEqual(heard, [1, 2, 3, 4, 5])
    })

    it('waits for a server that is down, and goes on with the next one, which has its history', async () => {
      const states = []
      const remove = client.on('state', ({ state }) => states.push(state))
      const { port, history: restore } = server
      await server.kill()
      await until(() => states.filter((state) => state === 'waiting').length >= 3)

      server = await Server.start({ port, restore })
      server.publish(6)

      await until(() => heard.length >= 6)
      remove()
      assert.deepEqual(heard, [1, 2, 3, 4, 5, 6])
    })

    if (!kind.includes('URL')) {
      it('has its requests answered', async () => {
        assert.deepEqual(await client.request('echo', { a: 1 }), { a: 1 })
      })
    }

    it('moves to the next server when it is asked to, and misses nothing', async () => {
      const { port } = server
      await server.close()
      server = await Server.start({ port, restore: server.history })

      server.publish(7)

      await until(() => heard.length >= 7)
      assert.deepEqual(heard, [1, 2, 3, 4, 5, 6, 7])
    })
  })
}

describe('a client whose command by POST is never answered', { timeout: 60_000 }, () => {
  it('connects anew when that took too long, and asks again', async (test) => {
    const server = await Server.start()
    const client = createClient({ ...withCommandsByPost(EventSource, 100)(`127.0.0.1:${server.port}`), backoff })
    test.after(async () => {
      client.close()
      await server.kill()
    })
    const states = []
    client.on('state', ({ state, reason }) => states.push(reason ?? state))

    server.isDeaf = true
    const subscription = client.subscribe(TRADES, () => {})
    await until(() => states.includes('send'))
    server.isDeaf = false

    await until(() => subscription.live)
  })
})
