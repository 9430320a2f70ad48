import { describe, expectTypeOf, it } from 'vitest'
import { trackPositions, type PositionTracker, type Received } from '../../../src/client/index.ts'
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
