// The host of `hosts/ws` on real sockets: the host suite of the library, and what the protocol adds.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { describe, it } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { serveWebSockets } from '../../../dist/hosts/ws.js'
import { ConnectionManager } from '../../../dist/index.js'
import { createCommandServer } from '../../../dist/protocol.js'
import { describeHost, hosted, ManualClock } from '../../../dist/testing.js'

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Host: localhost']

/** Starts a server of the protocol. The user is in the URL. The heart beats when the test says so. */
async function start(options = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16 * 1_024 })
  await once(server, 'listening')
  const commands = createCommandServer(manager, options)
  const authenticate = async ({ url }) => {
    await null
    const userId = new URL(url, 'http://localhost').searchParams.get('user')
    return userId === null ? undefined : { userId }
  }
  const host = serveWebSockets(server, { manager, commands, clock, authenticate })
  return { clock, manager, server, commands, host, url: `ws://127.0.0.1:${server.address().port}/` }
}

/** A client of the protocol, on ws. */
class Client {
  frames = []
  received = []
  #waiting = new Set()
  #id = 0

  constructor(url, user) {
    this.socket = new WebSocket(user === undefined ? url : `${url}?${new URLSearchParams({ user })}`)
    this.socket.on('error', () => {})
    this.socket.on('message', (data) => this.#take(String(data)))
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => {
        this.closedBy = { code, reason: String(reason) }
        resolve()
      })
    })
    void this.closed.then(() => this.#look())
  }

  /** Resolves to the first frame with these fields; to `undefined` if the connection ends before. */
  async frame(fields) {
    const find = () => this.frames.find((frame) => Object.entries(fields).every(([name, value]) => frame[name] === value))
    while (find() === undefined && this.closedBy === undefined) await new Promise((resolve) => this.#waiting.add(resolve))
    return find()
  }

  /** Sends a command, and resolves when it is answered. */
  command(command, { streamType, symbol } = {}, claims = {}) {
    const id = ++this.#id
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ ...claims, command, id, stream_type: streamType, symbol }))
    return this.frame({ id })
  }

  #take(text) {
    const frame = JSON.parse(text)
    if (frame.type === undefined || frame.type === 'gap') this.received.push(text)
    else this.frames.push(frame)
    this.#look()
  }

  #look() {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}

const harness = {
  async start() {
    const { clock, host, manager, server, url } = await start()
    const clients = new Set()
    return {
      manager: hosted(manager),
      async connect(userId, subscriptions = []) {
        const client = new Client(url, userId)
        clients.add(client)
        void client.closed.then(() => clients.delete(client))
        await client.frame({ type: 'welcome' })
        for (const stream of subscriptions) await client.command('subscribe', stream)
        const { closed, received, socket } = client
        return {
          received,
          closed,
          close: () => socket.close(),
          destroy: () => socket.terminate(),
          pause: () => socket.pause(),
          resume: () => socket.resume(),
          ask: ({ action, stream, claims }) => void client.command(action, stream, claims),
          send: (text) => socket.readyState === WebSocket.OPEN && socket.send(text),
          sendBytes: (bytes) => void socket._socket?.write(bytes),
          closedWith: () => client.closedBy,
          freeze() {
            clients.delete(client)
            socket.pause()
          },
        }
      },
      async connectAndLeave(userId) {
        const tcp = connectTcp(server.address().port, '127.0.0.1').on('error', () => {})
        const closed = once(tcp, 'close')
        const lines = [`GET /?${new URLSearchParams({ user: userId })} HTTP/1.1`, ...UPGRADE, '', '']
        await new Promise((resolve) => tcp.write(lines.join('\r\n'), resolve))
        tcp.resetAndDestroy()
        await closed
      },
      async beat() {
        const felt = [...clients].map(async (client) => {
          await Promise.race([once(client.socket, 'ping'), client.closed])
          await Promise.race([client.command('ping'), client.closed])
        })
        clock.advance(30_000)
        await Promise.all(felt)
      },
      async stop() {
        for (const client of server.clients) client.terminate()
        void host.close()
        await manager.cleanup()
        await new Promise((resolve) => server.close(resolve))
      },
    }
  },
}

describeHost('serveWebSockets', harness, { describe, it })

describe('serveWebSockets on real sockets', { timeout: 60_000 }, () => {
  it('refuses a client that nobody knows, in a frame and by the close code', async () => {
    const { server, url } = await start()

    const client = new Client(url)
    await client.closed

    assert.deepEqual(client.frames, [{ type: 'refused', code: 'ERR_UNAUTHENTICATED' }])
    assert.deepEqual(client.closedBy, { code: 4401, reason: 'ERR_UNAUTHENTICATED' })
    server.close()
  })

  it('carries out what a client sends with its handshake, before it is welcomed', async () => {
    const { server, url } = await start()
    const client = new Client(url, 'alice')

    client.socket.once('open', () => void client.command('subscribe', { streamType: 'PRICE', symbol: 'A' }))
    await client.frame({ type: 'subscribed' })

    assert.deepEqual(client.frames.map(({ type }) => type), ['welcome', 'subscribed'])
    client.socket.terminate()
    server.close()
  })

  it('ends a client that floods, and tells it when to come back', async () => {
    const { server, url } = await start({ limits: { burst: 10, maxRefusals: 100 } })
    const client = new Client(url, 'mallory')
    await client.frame({ type: 'welcome' })

    for (let i = 0; i < 200; i++) client.socket.send('{"command":"ping"}')
    await client.closed

    assert.equal(client.frames.filter(({ type }) => type === 'pong').length, 10)
    assert.deepEqual(client.frames.at(-1), { type: 'goodbye', reason: 'flood', reconnect: true, after_ms: 10_000, within_ms: 20_000 })
    assert.equal(client.closedBy.code, 4429)
    server.close()
  })

  it('asks everybody to move at the end, and closes those who stay', async () => {
    const { host, manager, url } = await start()
    const [moving, staying] = [new Client(url, 'alice'), new Client(url, 'bob')]
    for (const client of [moving, staying]) await client.frame({ type: 'welcome' })

    const closed = host.close({ withinMs: 0 })
    await moving.frame({ type: 'goodbye' })
    moving.socket.close()

    assert.equal(await closed, 1)
    await staying.closed
    assert.deepEqual(staying.closedBy, { code: 1001, reason: 'going away' })
    assert.deepEqual(await manager.cleanup(), { closed: 1, failed: 0, timedOut: 0 })
  })
})
