import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { describe, it } from 'node:test'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { EventSource } from 'eventsource'
import { createEventSource } from 'eventsource-client'
import { createParser } from 'eventsource-parser'
// @ts-expect-error it has no types
import launchDarkly from 'launchdarkly-eventsource'
import { sseHeaders, sseSocket } from 'stream-connection-manager/transports/sse'
import { listen } from '../../../examples/hosts/sse.ts'
import { expectNothingLeftOpen } from './nothing-left-open.ts'
import { AT_ONCE } from './recipe-tests.ts'

/** @typedef {(url: string, take: (data: string) => void) => () => void} Client reads a stream into `take`, until it is stopped */

// What @microsoft/fetch-event-source needs of a browser.
Object.assign(globalThis, { window: globalThis, document: new EventTarget() })

/** @type {[name: string, read: Client][]} */
const CLIENTS = [
  ['eventsource', (url, take) => {
    const source = new EventSource(url)
    source.addEventListener('message', ({ data }) => take(data))
    return () => source.close()
  }],
  ['eventsource-client', (url, take) => {
    const source = createEventSource({ url, onMessage: ({ data }) => take(data) })
    return () => source.close()
  }],
  ['eventsource-parser', (url, take) => {
    const aborter = new AbortController()
    const parser = createParser({ onEvent: ({ data }) => take(data) })
    const decoder = new TextDecoder()
    void fetch(url, { signal: aborter.signal }).then(async ({ body }) => {
      for await (const chunk of body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
    }).catch(() => {})
    return () => aborter.abort()
  }],
  ['@microsoft/fetch-event-source', (url, take) => {
    const aborter = new AbortController()
    const onmessage = (/** @type {{ data: string }} */ { data }) => take(data)
    void fetchEventSource(url, { signal: aborter.signal, openWhenHidden: true, fetch, onmessage })
    return () => aborter.abort()
  }],
  ['launchdarkly-eventsource', (url, take) => {
    const source = new launchDarkly.EventSource(url, {})
    source.addEventListener('message', (/** @type {{ data: string }} */ { data }) => take(data))
    source.addEventListener('error', () => {})
    return () => source.close()
  }],
]

describe('comments and retry on an event stream', { timeout: 30_000 }, () => {
  for (const [name, read] of CLIENTS) {
    it(`cause no event in ${name}, and leave the events around them intact`, async () => {
      const server = createServer((_request, response) => {
        response.writeHead(200, sseHeaders).flushHeaders()
        const socket = sseSocket(response)
        socket.comment('first of all')
        socket.retry(60_000)
        void socket.send('a')
        socket.comment()
        socket.retry(60_000)
        socket.comment('two\nlines')
        void socket.send('b\nb')
        socket.comment()
        void socket.send('the end')
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      /** @type {string[]} */
      const received = []

      await new Promise((resolve) => {
        const stop = read(`http://127.0.0.1:${port}/`, (data) => {
          received.push(data)
          if (data === 'the end') setImmediate(() => resolve(stop()))
        })
      })
      server.close()
      server.closeAllConnections()

      assert.deepEqual(received, ['a', 'b\nb', 'the end'])
    })
  }
})

describe('the last event of a removed client', { timeout: 30_000 }, () => {
  it('tells an EventSource why, so that it does not come back', async (test) => {
    const { manager, port, stop } = await listen()
    test.after(() => stop(AT_ONCE))
    /** @type {string[]} */
    const log = []
    manager.on('connectionAdded', () => log.push('connected'))
    const source = new EventSource(`http://127.0.0.1:${port}/?user=alice`)
    source.addEventListener('error', () => log.push('error'))
    source.addEventListener('message', ({ data }) => log.push(JSON.parse(data).type))
    await once(source, 'message')

    const told = once(source, 'close')
    source.addEventListener('close', () => source.close())
    const [connection] = manager.connections()
    await connection?.remove({ code: 4001, reason: 'logged in elsewhere' })
    const [{ data }] = await told

    assert.equal(data, '{"code":4001,"reason":"logged in elsewhere"}')
    assert.equal(source.readyState, EventSource.CLOSED)
    assert.deepEqual(log, ['connected', 'welcome'])
  })
})

expectNothingLeftOpen()
