import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ConnectionManager } from 'stream-connection-manager'
import { sseHeaders, sseSocket, sseTransport } from 'stream-connection-manager/transports/sse'
import { expectNothingLeftOpen } from './nothing-left-open.ts'

/** @import { Server } from 'node:http' */
/** @import { AddressInfo } from 'node:net' */
/** @import { SseSocket } from 'stream-connection-manager/transports/sse' */

/** Event streams on Hono, which drops the body of an answer to HEAD, and of a handler that throws later. */
async function onHono() {
  /** @type {ConnectionManager<SseSocket>} */
  const manager = new ConnectionManager({ transport: sseTransport() })
  const prices = () => {
    /** @type {TransformStream<Uint8Array, Uint8Array>} */
    const { readable, writable } = new TransformStream()
    manager.addConnection(crypto.randomUUID(), sseSocket(writable.getWriter()), 'alice')
    return new Response(readable, { headers: sseHeaders })
  }
  const app = new Hono()
  app.get('/prices', prices)
  app.get('/fails', () => {
    prices()
    throw new Error('later')
  })
  app.onError((_error, context) => context.text('failed', 500))
  const server = /** @type {Server} */ (serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }))
  await once(server, 'listening')
  const { port } = /** @type {AddressInfo} */ (server.address())
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return { manager, url: `http://127.0.0.1:${port}`, stop }
}

/** @param {ConnectionManager<SseSocket>} manager */
async function beat(manager) {
  for (const { socket } of manager.connections()) socket.comment()
  await sleep(20)
}

describe('an event stream on Hono', { timeout: 30_000 }, () => {
  for (const [what, method, path, status] of /** @type {const} */ ([
    ['answers HEAD', 'HEAD', '/prices', 200],
    ['belongs to a handler that fails', 'GET', '/fails', 500],
  ])) {
    it(`ends at the second comment if it ${what}, unlike one that is read`, async () => {
      const { manager, url, stop } = await onHono()
      const aborter = new AbortController()
      const { body } = await fetch(`${url}/prices`, { signal: aborter.signal })
      const reading = (async () => {
        for await (const _ of body ?? []);
      })().catch(() => {})

      for (let i = 0; i < 10; i++) assert.equal((await fetch(url + path, { method })).status, status)
      const unread = manager.connectionCount - 1
      for (let i = 0; i < 3; i++) await beat(manager)

      assert.equal(unread, 10)
      assert.equal(manager.connectionCount, 1)
      aborter.abort()
      await reading
      while (manager.connectionCount > 0) await sleep(5)
      stop()
    })
  }
})

expectNothingLeftOpen()
