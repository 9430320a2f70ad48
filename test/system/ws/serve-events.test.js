// The host of `hosts/sse` on node:http, with the EventSource of a browser's kind and with plain requests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { EventSource } from 'eventsource'
import { serveEvents } from '../../../dist/hosts/sse.js'
import { ConnectionManager } from '../../../dist/index.js'
import { createCommandServer } from '../../../dist/protocol.js'
import { createRecovery } from '../../../dist/recovery.js'

describe('serveEvents on node:http', { timeout: 60_000 }, () => {
  let server, manager, commands, url
  const opened = []

  beforeEach(async () => {
    const recovery = createRecovery()
    manager = new ConnectionManager({ recorder: recovery })
    commands = createCommandServer(manager, { recovery })
    const userOf = ({ url }) => new URL(url, 'http://localhost').searchParams.get('user')
    const authenticate = async (request) => (userOf(request) === null ? undefined : { userId: userOf(request) })
    server = createServer(async (request, response) => {
      if (request.method !== 'POST') return void serveEvents(request, response, { manager, commands, authenticate })
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      const session = commands.find(new URL(request.url, 'http://localhost').searchParams.get('connection') ?? '', userOf(request) ?? '')
      session?.receive(Buffer.concat(chunks))
      response.writeHead(session === undefined ? 404 : 204).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${server.address().port}/`
  })

  afterEach(async () => {
    for (const source of opened.splice(0)) source.close()
    await manager.cleanup()
    server.closeAllConnections()
    server.close()
  })

  function open(user, ...asked) {
    const source = new EventSource(`${url}?${new URLSearchParams({ user, commands: JSON.stringify(asked) })}`)
    opened.push(source)
    const frames = []
    const waiting = new Set()
    source.onmessage = ({ data }) => {
      frames.push(JSON.parse(data))
      for (const resolve of waiting) resolve()
      waiting.clear()
    }
    const frame = async (isWanted) => {
      while (!frames.some(isWanted)) await new Promise((resolve) => waiting.add(resolve))
      return frames.find(isWanted)
    }
    return { source, frames, frame }
  }

  it('carries out the commands of the URL, and delivers', async () => {
    const { frames, frame } = open('alice', { command: 'subscribe', id: 1, stream_type: 'TRADES', symbol: 'A' })
    await frame(({ type }) => type === 'subscribed')

    manager.publish({ streamType: 'TRADES', symbol: 'A', data: 7 })
    await frame(({ data }) => data === 7)

    assert.deepEqual(frames.map(({ type }) => type), ['welcome', 'subscribed', undefined])
  })

  it('carries out commands that come by POST, of the connection\'s own user alone', async () => {
    const { frame } = open('alice')
    const { connection_id: id } = await frame(({ type }) => type === 'welcome')
    const post = async (user, connection, body) => (await fetch(`${url}?${new URLSearchParams({ user, connection })}`, { method: 'POST', body })).status

    const statuses = [await post('mallory', id, '{"command":"ping","id":1}'), await post('alice', id, '{"command":"ping","id":2}')]
    const pong = await frame(({ type }) => type === 'pong')

    assert.deepEqual(statuses, [404, 204])
    assert.deepEqual(pong, { type: 'pong', id: 2 })
  })

  it('resumes a client that comes back with its position in the URL', async () => {
    const first = open('alice', { command: 'subscribe', id: 1, stream_type: 'TRADES', symbol: 'A' })
    const { position } = await first.frame(({ type }) => type === 'subscribed')
    first.source.close()
    manager.publish({ streamType: 'TRADES', symbol: 'A', data: 'missed' })

    const second = open('alice', { command: 'subscribe', id: 2, stream_type: 'TRADES', symbol: 'A', position })
    const answer = await second.frame(({ type }) => type === 'subscribed')
    const message = await second.frame(({ data }) => data !== undefined)

    assert.deepEqual([answer.recovered, message.data], [true, 'missed'])
  })

  it('refuses a client that nobody knows with 401, so that its EventSource does not come back', async () => {
    const response = await fetch(url)

    assert.equal(response.status, 401)
    assert.deepEqual(await response.json(), { type: 'refused', code: 'ERR_UNAUTHENTICATED' })
    assert.equal(manager.connectionCount, 0)
  })

  it('removes a client that leaves', async () => {
    const { source, frame } = open('alice')
    await frame(({ type }) => type === 'welcome')
    const removed = new Promise((resolve) => manager.on('connectionRemoved', ({ reason }) => resolve(reason)))

    source.close()

    assert.equal(await removed, 'peer-closed')
    assert.equal(commands.sessions, 0)
  })

  it('tells everybody to move at a drain', async () => {
    const { source, frame } = open('alice')
    await frame(({ type }) => type === 'welcome')

    const drained = commands.drain({ withinMs: 10_000 })
    const goodbye = await frame(({ type }) => type === 'goodbye')
    source.close()

    assert.equal(goodbye.reconnect, true)
    assert.equal(await drained, 0)
  })
})
