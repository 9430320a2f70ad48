import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EventSource } from 'eventsource'
import { WebSocket as UndiciSocket } from 'undici'
import { WebSocket as WsSocket } from 'ws'
import { WebSocket as OldestWsSocket } from 'ws-oldest'
import { createClient } from '../../../dist/client.js'
import { publish, serve } from './server.js'

const TRADES = { streamType: 'TRADES', symbol: 'A' }

/** Each kind of connection: the options of a client that uses it. */
const KINDS = {
  'ws 8': (port) => ({ connect: () => new WsSocket(`ws://127.0.0.1:${port}`) }),
  'the oldest ws 8': (port) => ({ connect: () => new OldestWsSocket(`ws://127.0.0.1:${port}`) }),
  undici: (port) => ({ connect: () => new UndiciSocket(`ws://127.0.0.1:${port}`) }),
  ...('WebSocket' in globalThis && { 'the WebSocket of the runtime': (port) => ({ connect: () => new WebSocket(`ws://127.0.0.1:${port}`) }) }),
  'an EventSource, with commands in the URL': (port) => ({
    connect: ({ commands }) => new EventSource(`http://127.0.0.1:${port}/?commands=${encodeURIComponent(commands)}`),
  }),
  'an EventSource, with commands by POST': (port) => ({
    connect: () => new EventSource(`http://127.0.0.1:${port}/`),
    async send(body, connectionId) {
      const { status } = await fetch(`http://127.0.0.1:${port}/${connectionId}`, { method: 'POST', body })
      if (status !== 204) throw new Error(`The server answered ${status}`)
    },
  }),
}

/** Waits until something holds. The deadline only ends what hangs. */
async function until(holds) {
  const deadline = Date.now() + 20_000
  while (!holds()) {
    assert.ok(Date.now() < deadline, `Still not: ${holds}`)
    await new Promise((done) => setTimeout(done, 5))
  }
}

const backoff = { minMs: 20, maxMs: 100 }

for (const [kind, optionsFor] of Object.entries(KINDS)) {
  describe(`a client over ${kind}`, { timeout: 60_000 }, () => {
    let server
    let client
    const heard = []

    before(async () => {
      server = await serve()
      client = createClient({ ...optionsFor(server.port), backoff })
    })

    after(async () => {
      client.close()
      await server.stop()
    })

    it('hears messages', async () => {
      const subscription = client.subscribe(TRADES, (update) => heard.push(update.type ?? update.data))
      await until(() => subscription.live)

      publish(1)
      publish(2)

      await until(() => heard.length === 2)
      assert.deepEqual(heard, [1, 2])
    })

    it('hears what was published while its connection was cut, once', async () => {
      server.cut()
      publish(3)
      publish(4)

      await until(() => heard.length >= 4)
      publish(5)
      await until(() => heard.length >= 5)
      assert.deepEqual(heard, [1, 2, 3, 4, 5])
    })

    it('waits for a server that is down, and finds it again', async () => {
      const states = []
      const remove = client.on('state', ({ state }) => states.push(state))
      await server.stop()
      await until(() => states.filter((state) => state === 'waiting').length >= 3)
      publish(6)

      server = await serve(server.port)

      await until(() => heard.length >= 6)
      remove()
      assert.deepEqual(heard, [1, 2, 3, 4, 5, 6])
    })

    if (!kind.includes('URL')) {
      it('has its requests answered', async () => {
        assert.deepEqual(await client.request('echo', { a: 1 }), { a: 1 })
      })
    }
  })
}
