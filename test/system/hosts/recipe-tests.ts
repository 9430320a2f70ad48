import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ManagerDrainOptions } from 'stream-connection-manager/operations'
import type { Listening } from '../../../examples/hosts/listening.ts'
import { vanish } from './clients/vanish.ts'
import type { Connect } from './harness.ts'

const STREAMS = [{ streamType: 'PRICE', symbol: 'BTCUSDT' }]
const NOBODY = ''
const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']
/** The clients of these tests do not leave when they are asked to. */
export const AT_ONCE: ManagerDrainOptions = { perSecond: Infinity, overMs: 5_000 }

const NO_FRAME = Buffer.alloc(64, 0xff)

/** Tests of a recipe beyond the host suite: it stops cleanly, and a faulty or hostile client harms no other client. */
export function describeRecipe(host: string, listen: () => Promise<Listening>, connect: Connect, webSocketPath = '/?user=mallory'): void {
  describe(`the recipe for ${host}`, { timeout: 30_000 }, () => {
    let server: Listening
    afterEach(async () => {
      if (!server.manager.closed) await server.stop(AT_ONCE)
    })

    it('closes all connections when it stops', async () => {
      server = await listen()
      const alice = await connect(server.port, 'alice', STREAMS)

      await server.stop(AT_ONCE)
      await alice.closed

      assert.equal(server.manager.closed, true)
    })

    it('refuses a newcomer while it drains, and says when to come back', async () => {
      server = await listen()
      const alice = await connect(server.port, 'alice', STREAMS)

      const stopped = server.stop({ perSecond: 1, overMs: 10_000 })
      await assert.rejects(connect(server.port, 'bob', []), /"(after|retry)_ms":\d+/)
      await alice.destroy()

      assert.equal((await stopped).left, 1)
    })

    it('ends a connection whose request comes while the server stops', async () => {
      server = await listen()
      const late = connectTcp(server.port, '127.0.0.1').on('error', () => {}) // some hosts end it before its request
      const ended = new Promise((resolve) => late.once('close', resolve))
      await connect(server.port, 'alice', STREAMS) // the server accepts connections in their order

      const stopped = server.stop(AT_ONCE)
      while (!server.manager.closed || (await isOpen(server.port))) await sleep(5)
      late.end(requestOf(webSocketPath, UPGRADE)).resume()

      await Promise.all([stopped, ended])
    })

    it('tells a client a code of RFC 6455, such as 1013', async () => {
      server = await listen()
      const alice = await connect(server.port, 'alice', STREAMS)
      const why = { code: 1013, reason: 'try again later' }

      await server.manager.getConnection(server.manager.userConnections.get('alice')?.[0] ?? '')?.remove(why)
      await alice.closed

      const { code, reason } = (await alice.closedWith?.()) ?? {}
      assert.deepEqual({ code, reason }, why)
    })

    it('sends a refused user the reason, and registers no connection', async () => {
      server = await listen()

      await assert.rejects(connect(server.port, NOBODY, []), /ERR_UNAUTHENTICATED/)

      assert.equal(server.manager.connectionCount, 0)
    })

    it('sends the reason of a refused subscription, and keeps the connection', async () => {
      server = await listen()

      await assert.rejects(connect(server.port, 'alice', [{ streamType: 'GOSSIP' }]), /ERR_UNKNOWN_STREAM/)

      assert.equal(server.manager.connectionCount, 1)
      assert.equal(server.manager.subscriptionCount, 0)
    })

    for (const [what, path, headers] of [
      ['a request for an unknown path', '/elsewhere', []],
      ['an invalid path', '//', UPGRADE],
      ['bytes that are not a frame', webSocketPath, UPGRADE],
    ] as const) {
      it(`keeps serving other clients after ${what}`, async () => {
        server = await listen()
        const mallory = connectTcp(server.port, '127.0.0.1').on('error', () => {})

        mallory.write(requestOf(path, headers))
        await Promise.race([once(mallory, 'data'), once(mallory, 'close')])
        mallory.write(NO_FRAME)

        const alice = await connect(server.port, 'alice', STREAMS)
        vanish(mallory)
        while (server.manager.connectionCount > 1) await sleep(5)
        server.manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 })
        while (alice.received.length === 0) await sleep(5)
        await alice.destroy()
      })
    }
  })
}

function requestOf(path: string, headers: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')
}

async function isOpen(port: number): Promise<boolean> {
  const tcp = connectTcp(port, '127.0.0.1')
  const isAccepted = await Promise.race([once(tcp, 'connect').then(() => true), once(tcp, 'close').then(() => false)]).catch(() => false)
  tcp.destroy()
  return isAccepted
}
