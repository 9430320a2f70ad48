import { describe, expectTypeOf, it } from 'vitest'
import { createClient, trackPositions, type Client, type ClientError, type ClientSocket, type Ended, type Gap, type PositionTracker, type Received, type Status } from '../../../src/client/index.ts'
import { defineStreams, type ServerMessage } from '../../../src/index.ts'

const streams = defineStreams({
  TICKER: { audience: 'public', delivery: 'latest', payload: {} as { last: number } },
  NEWS: { audience: 'public', symbol: 'none' },
})

describe('trackPositions', () => {
  it('has the messages of the catalogue in its options', () => {
    const tracker = trackPositions({ streams })

    expectTypeOf(tracker).toEqualTypeOf<PositionTracker<typeof streams>>()
    const { message, missing } = tracker.receive('')
    expectTypeOf(message).toEqualTypeOf<ServerMessage<typeof streams> | undefined>()
    expectTypeOf(missing).toEqualTypeOf<number | undefined>()
    if (message !== undefined && message.type === undefined && message.streamType === 'TICKER') expectTypeOf(message.data).toEqualTypeOf<{ last: number }>()
  })

  it('has the messages of the default catalogue without one', () => {
    expectTypeOf(trackPositions()).toEqualTypeOf<PositionTracker>()
    expectTypeOf(trackPositions().receive('')).toEqualTypeOf<Received>()
  })

  it('takes the streams of its catalogue', () => {
    const tracker = trackPositions({ streams })

    expectTypeOf(tracker.position({ streamType: 'TICKER', symbol: 'A' })).toEqualTypeOf<string | undefined>()
    tracker.position({ streamType: 'NEWS' })
    // @ts-expect-error the catalogue has no such type
    tracker.position({ streamType: 'PRICE', symbol: 'A' })
    // @ts-expect-error which stream?
    tracker.position()
  })

  it('takes texts', () => {
    // @ts-expect-error bytes are no text
    trackPositions().receive(new Uint8Array())
    // @ts-expect-error the option is `streams`
    trackPositions({ stream: streams })
  })

  it('changes nothing that it returned', () => {
    const received = trackPositions().receive('')

    // @ts-expect-error it is read-only
    received.missing = 0
  })
})

describe('createClient', () => {
  const wide = defineStreams({
    TICKER: { audience: 'public', delivery: 'latest', payload: {} as { last: number } },
    NEWS: { audience: 'public', symbol: 'none', payload: {} as string },
    ORDERS: { audience: 'private', payload: {} as { id: string } },
  })
  const client = createClient<typeof wide>({ connect: () => new WebSocket('ws://localhost') })

  it('is typed by its catalogue, by default that of the library', () => {
    expectTypeOf(client).toEqualTypeOf<Client<typeof wide>>()
    expectTypeOf(createClient({ connect: () => new WebSocket('ws://localhost') })).toEqualTypeOf<Client>()
  })

  it('takes a stream as its symbol rule says', () => {
    client.subscribe({ streamType: 'TICKER', symbol: 'A' }, () => {})
    client.subscribe({ streamType: 'NEWS' }, () => {})
    client.subscribe({ streamType: 'ORDERS' }, () => {})
    client.subscribe({ streamType: 'ORDERS', symbol: 'A' }, () => {})
    // @ts-expect-error a ticker needs a symbol
    client.subscribe({ streamType: 'TICKER' }, () => {})
    // @ts-expect-error news has none
    client.subscribe({ streamType: 'NEWS', symbol: 'A' }, () => {})
    // @ts-expect-error the catalogue has no such type
    client.subscribe({ streamType: 'PRICE', symbol: 'A' }, () => {})
  })

  it('tells listeners of messages, gaps, the status and the end', () => {
    client.subscribe({ streamType: 'TICKER', symbol: 'A' }, (update) => {
      if (update.type === 'gap') expectTypeOf(update).toEqualTypeOf<Gap>()
      else if (update.type === 'status') expectTypeOf(update).toEqualTypeOf<Status>()
      else if (update.type === 'ended') expectTypeOf(update).toEqualTypeOf<Ended>()
      else {
        expectTypeOf(update.data).toEqualTypeOf<{ last: number }>()
        expectTypeOf(update.symbol).toEqualTypeOf<string>()
        expectTypeOf(update.userId).toEqualTypeOf<undefined>()
        expectTypeOf(update.snapshot).toEqualTypeOf<true | undefined>()
      }
    })
    client.subscribe({ streamType: 'ORDERS' }, (update) => {
      if (update.type === undefined) expectTypeOf(update.userId).toEqualTypeOf<string>()
    })
  })

  it('iterates over messages and gaps', async () => {
    for await (const update of client.updates({ streamType: 'NEWS' }, { maxWaiting: 10 })) {
      if (update.type === undefined) expectTypeOf(update.data).toEqualTypeOf<string>()
      else expectTypeOf(update).toEqualTypeOf<Gap>()
    }
  })

  it('has the payload of each event', () => {
    client.on('state', ({ state, retryInMs }) => {
      expectTypeOf(state).toEqualTypeOf<'idle' | 'connecting' | 'connected' | 'waiting' | 'stopped' | 'closed'>()
      expectTypeOf(retryInMs).toEqualTypeOf<number | undefined>()
    })
    client.on('message', (message) => {
      if (message.streamType === 'TICKER') expectTypeOf(message.data).toEqualTypeOf<{ last: number }>()
    })
    client.on('subscribed', ({ recovered }) => expectTypeOf(recovered).toEqualTypeOf<boolean | null>())
    // @ts-expect-error there is no such event
    client.on('close', () => {})
  })

  it('connects by a WebSocket, an EventSource, or anything alike', () => {
    expectTypeOf<WebSocket>().toExtend<ClientSocket>()
    expectTypeOf<EventSource>().toExtend<ClientSocket>()
    createClient({ connect: async ({ signal }) => (await fetch('/token', { signal }), new WebSocket('ws://localhost')) })
    // @ts-expect-error that cannot be closed
    createClient({ connect: () => ({ send() {} }) })
    // @ts-expect-error there is nothing to connect by
    createClient({})
    // @ts-expect-error the option is lingerMs
    createClient({ connect: () => new WebSocket('ws://localhost'), linger: 5 })
  })

  it('has errors with codes', () => {
    expectTypeOf<ClientError['code']>().toExtend<string>()
    expectTypeOf<ClientError['retryMs']>().toEqualTypeOf<number | undefined>()
  })
})
