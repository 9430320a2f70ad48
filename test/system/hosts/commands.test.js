import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { WebSocket } from 'ws'
import { listen as listenCrossws } from '../../../examples/hosts/crossws.ts'
import { listen as listenExpress } from '../../../examples/hosts/express.ts'
import { listen as listenFastify } from '../../../examples/hosts/fastify.ts'
import { listen as listenHono } from '../../../examples/hosts/hono.ts'
import { listen as listenNest } from '../../../examples/hosts/nest.ts'
import { listen as listenSocketIo } from '../../../examples/hosts/socket.io.ts'
import { listen as listenSockJs } from '../../../examples/hosts/sockjs.ts'
import { listen as listenTcp } from '../../../examples/hosts/tcp.ts'
import { listen as listenUws } from '../../../examples/hosts/uwebsockets.ts'
import { listen as listenWs } from '../../../examples/hosts/ws.ts'
import { openSocketIo, openSockJs, openTcp, openWs } from './clients/speaker.ts'
import { describeCommands } from './command-tests.ts'
import { AT_ONCE } from './recipe-tests.ts'

/** @import { Listening } from '../../../examples/hosts/listening.ts' */

describeCommands('ws', listenWs, openWs)
describeCommands('Express with ws', listenExpress, openWs)
describeCommands('Fastify', listenFastify, openWs)
describeCommands('Hono', listenHono, openWs)
describeCommands('NestJS', listenNest, openWs)
describeCommands('crossws', listenCrossws, openWs)
describeCommands('uWebSockets.js', listenUws, openWs)
describeCommands('socket.io', listenSocketIo, openSocketIo)
describeCommands('sockjs', listenSockJs, openSockJs, {
  readsNoMore: 'faye-websocket, which sockjs is made with, reads nothing more from a client that does not read',
})
describeCommands('node:net, JSON lines', listenTcp, openTcp)

/**
 * What the wire of a host can carry instead of a text; one has what is called to make a text of it, and cannot be.
 *
 * @type {unknown[]}
 */
const NO_TEXTS = [null, 42, true, [], [['subscribe']], { toString: 1, valueOf: 1 }, { length: -1 }]
const REFUSED = '{"type":"refused","code":"ERR_BAD_COMMAND"}'

describe('a binary command', { timeout: 30_000 }, () => {
  /** @type {Listening | undefined} */
  let server
  after(() => server?.stop(AT_ONCE))

  for (const [host, listen] of /** @type {const} */ ([['ws', listenWs], ['uWebSockets.js', listenUws], ['crossws', listenCrossws]])) {
    it(`is refused by ${host}`, async () => {
      server = await listen()
      const heard = /** @type {string[]} */ ([])
      const client = new WebSocket(`ws://127.0.0.1:${server.port}/?user=mallory`).on('message', (text) => heard.push(String(text)))
      while (heard.length < 1) await sleep(5)

      client.send(Buffer.from([0xff, 0xfe, 0x00, 0x7b]))
      client.send(new Uint8Array())
      while (heard.length < 3) await sleep(5)

      assert.deepEqual(heard.slice(1), [REFUSED, REFUSED])
      client.terminate()
      await server.stop(AT_ONCE)
    })
  }

  it('is refused by socket.io', async () => {
    server = await listenSocketIo()
    const heard = /** @type {string[]} */ ([])
    const client = io(`http://127.0.0.1:${server.port}`, { transports: ['websocket'], query: { user: 'mallory' }, forceNew: true, reconnection: false })
    client.on('message', (text) => heard.push(text))

    for (const each of [...NO_TEXTS, Buffer.from('{}')]) client.send(each)
    while (heard.length < 2 + NO_TEXTS.length) await sleep(5)

    assert.deepEqual(heard.slice(1), Array(1 + NO_TEXTS.length).fill(REFUSED))
    client.disconnect()
    await server.stop(AT_ONCE)
  })

  it('is refused by sockjs', async () => {
    server = await listenSockJs()
    const heard = /** @type {string[]} */ ([])
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/sockjs/000/mallory/websocket?user=mallory`)
    client.on('message', (frame) => heard.push(...(String(frame).startsWith('a') ? JSON.parse(String(frame).slice(1)) : [])))
    while (heard.length < 1) await sleep(5)

    client.send(JSON.stringify(NO_TEXTS))
    while (heard.length < 1 + NO_TEXTS.length) await sleep(5)

    assert.deepEqual(heard.slice(1), Array(NO_TEXTS.length).fill(REFUSED))
    client.terminate()
    await server.stop(AT_ONCE)
  })
})
