import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Listening } from '../../../examples/hosts/listening.ts'
import type { OpenSpeaker, Speaker } from './clients/speaker.ts'
import { vanish } from './clients/vanish.ts'
import { AT_ONCE } from './recipe-tests.ts'

// What clients say, on each host that lets them say something.

const TRADES = { streamType: 'TRADES', symbol: 'BTCUSDT' } as const
const SUBSCRIBE = JSON.stringify({ command: 'subscribe', stream_type: TRADES.streamType, symbol: TRADES.symbol })
const DEEP = `${'['.repeat(7_000)}${']'.repeat(7_000)}`

const BAD = [
  'no JSON', 'null', '42', '"subscribe"', `[[${SUBSCRIBE}]]`, '{}', '{"command":"constructor"}', `{"__proto__":${SUBSCRIBE}}`,
  '{"command":"subscribe"}', '{"command":"subscribe","stream_type":7}', '{"command":"subscribe","stream_type":"__proto__"}',
  '{"command":"subscribe","stream_type":{"toString":1}}', '{"command":"subscribe","stream_type":"PRICE"}',
  '{"command":"subscribe","stream_type":"PRICE","symbol":{}}', '{"command":"subscribe","stream_type":"PRICE","symbol":"\\ud800"}',
  '{"command":"subscribe","stream_type":"PRICE","symbol":"X","filters":7}', `{"command":"subscribe","stream_type":${DEEP}}`,
  `{"command":"subscribe","stream_type":"PRICE","symbol":"${'x'.repeat(300)}"}`, `{"command":"unsubscribe","stream_type":${DEEP}}`,
]

/** More than a command may have, and more than some hosts take. */
const TOO_LONG = `{"command":"subscribe","stream_type":"PRICE","symbol":"X","filters":{"x":"${'x'.repeat(20_000)}"}}`

/** What one turn hands over, more than the system buffers: no limit may keep it from a client that reads. */
const BURST = { messages: 100, units: 100_000 }

/** Each is answered by a text of about the same length. */
const FLOOD = JSON.stringify({ command: 'unsubscribe', stream_type: 'PRICE', symbol: 'x'.repeat(250) })
const MOST_FLOODS = 400_000
/** The buffers of the system between the two, which grow to some megabytes, and what waits at the server. */
const MOST_ANSWERED_BYTES = 32 * 1024 * 1024

interface CommandTestOptions {
  /** Why the host takes no commands without end from a client that does not read. */
  readonly readsNoMore?: string
}

/** What a recipe owes to a client, and what a client cannot do to it. */
export function describeCommands(host: string, listen: () => Promise<Listening>, open: OpenSpeaker, { readsNoMore }: CommandTestOptions = {}): void {
  describe(`the recipe for ${host}, under commands`, { timeout: 60_000 }, () => {
    let server: Listening
    let speakers: Speaker[] = []

    const opened = async (): Promise<Speaker> => {
      const speaker = await open(server.port)
      speakers.push(speaker)
      return speaker
    }

    afterEach(async () => {
      for (const { tcp } of speakers) vanish(tcp)
      speakers = []
      await server.stop(AT_ONCE)
    })

    it('answers a command before messages that are published later', async () => {
      server = await listen()
      const { heard, say } = await opened()
      server.manager.on('subscriptionAdded', () => setImmediate(() => server.manager.publish({ ...TRADES, data: 1 })))

      say(SUBSCRIBE)
      while (heard.length < 3) await sleep(5)

      assert.match(heard[0] ?? '', /^\{"type":"welcome"/)
      const { position, contiguous, delivery, ...answer } = JSON.parse(heard[1] ?? '') // a recovery adds these three
      assert.deepEqual(answer, { type: 'subscribed', stream_type: 'TRADES', symbol: 'BTCUSDT', recovered: null })
      assert.match(heard[2] ?? '', /^\{"stream_type":"TRADES"/)
    })

    it('answers each command once, in order, even invalid ones', async () => {
      server = await listen()
      const { heard, say } = await opened()

      for (const text of BAD) say(text)
      say(SUBSCRIBE)
      while (heard.length < 2 + BAD.length) await sleep(5)

      const types = heard.map((text) => JSON.parse(text).type)
      assert.deepEqual(types.filter((type) => type !== 'refused' && type !== 'unsubscribed'), ['welcome', 'subscribed'])
      assert.equal(types.at(-1), 'subscribed')
    })

    it('refuses a command that is too long, or disconnects its client', async () => {
      server = await listen()
      const { heard, say, tcp } = await opened()
      tcp.resume()

      say(TOO_LONG)
      while (heard.length < 2 && server.manager.connectionCount > 0) await sleep(5)

      assert.equal(server.manager.subscriptionCount, 0)
      if (heard.length > 1) assert.deepEqual(JSON.parse(heard[1] ?? ''), { type: 'refused', code: 'ERR_TOO_LARGE' })
    })

    it('ends a client that sends without end and reads no answers, with bounded memory', { skip: readsNoMore ?? false }, async () => {
      server = await listen()
      const { say, tcp } = await opened()
      const removals: string[] = []
      server.manager.on('connectionRemoved', ({ reason }) => removals.push(reason))

      tcp.pause()
      let said = 0
      for (; removals.length === 0 && said < MOST_FLOODS; await turn()) {
        for (let i = 0; i < 500 && tcp.writableLength < 1_000_000; i++, said++) say(FLOOD)
      }

      const { sent, mostWaitingBytes } = server.manager.stats()
      // It is refused too often, or reads too slowly. The first of both ends it.
      assert.equal(removals.length, 1)
      assert.match(removals[0] ?? '', /^(removed|slow-consumer)$/)
      assert.ok(mostWaitingBytes < 2 * 1024 * 1024, `${mostWaitingBytes} bytes waited`)
      assert.ok(sent * FLOOD.length < MOST_ANSWERED_BYTES, `${sent} answers went out unread`)
    })

    it('delivers 10 MB that one turn publishes to a client that reads', async () => {
      server = await listen()
      const { heard, say } = await opened()
      say(SUBSCRIBE)
      while (heard.length < 2) await sleep(5)

      for (let i = 0; i < BURST.messages; i++) server.manager.publish({ ...TRADES, data: 'x'.repeat(BURST.units) })
      while (heard.length < 2 + BURST.messages && server.manager.connectionCount > 0) await sleep(5)

      assert.equal(server.manager.connectionCount, 1)
      assert.equal(server.manager.stats().sent, 2 + BURST.messages)
    })
  })
}
