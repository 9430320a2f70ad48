import { describe, expect, it } from 'vitest'
import type { Frame } from '../../../src/cluster/frame.ts'
import { Interest } from '../../../src/cluster/interest.ts'
import { Interests } from '../../../src/cluster/interests.ts'
import type { ChannelName } from '../../../src/model/channel.ts'
import { SimulatedClock } from '../../support/cluster/simulated-clock.ts'

const A = { streamType: 'TRADES', symbol: 'A', userId: undefined }
const B = { streamType: 'TRADES', symbol: 'B', userId: undefined }

/** The interests of a node over a broker that takes everything. */
function interestsOf({ roundTripMs = 2, repairTimeoutMs = 1_000 } = {}) {
  const clock = new SimulatedClock()
  const wishes: string[] = []
  const sent: string[] = []
  const state = { isUp: true, synced: 0 }
  const found = new Map<string, Interest>()
  const interests = new Interests({
    clock, node: 'here', idleDelayMs: 300, repairTimeoutMs,
    subjects: { control: 'control' },
    subjectSet: { want: (subject: string) => wishes.push(`+ ${subject}`), unwant: (subject: string) => wishes.push(`- ${subject}`) } as never,
    receiving: {
      find: ({ symbol }: ChannelName) => found.get(String(symbol)),
      begin: (interest: Interest) => found.set(interest.subject, interest),
      end: (interest: Interest) => found.delete(interest.subject),
    } as never,
    link: {
      roundTripMs,
      send: (_subject: string, frame: Frame) => {
        sent.push(`${frame.kind} ${(frame as Extract<Frame, { channels: unknown }>).channels.map(({ symbol }) => symbol).join()}`)
        return state.isUp
      },
    },
    make: (channel) => new Interest(channel, String(channel.symbol), { epochs: () => [] } as never, clock.monotonic()),
    synced: () => state.synced++,
  })
  return { clock, interests, wishes, sent, state }
}

describe('Interests', () => {
  it('wants a channel as long as there is a reason, and then says that it has left it', async () => {
    const { clock, interests, wishes, sent } = interestsOf()
    interests.gain(A)
    interests.gain(A)
    interests.lose(A)
    expect([wishes, interests.count, interests.channels()]).toEqual([['+ A'], 1, [A]])
    interests.lose(A)
    interests.lose(A)
    await clock.advance(0)

    expect([wishes, sent, interests.count]).toEqual([['+ A', '- A'], ['left A'], 0])
  })

  it('tells of all channels that it left in one turn at once', async () => {
    const { clock, interests, sent } = interestsOf()
    for (const channel of [A, B]) interests.gain(channel)
    for (const channel of [A, B]) interests.lose(channel)
    await clock.advance(0)

    expect(sent).toEqual(['left A,B'])
  })

  it('asks origins how far they are once the broker has the subscription, and gives them time to answer', async () => {
    const { clock, interests, sent, state } = interestsOf()
    const interest = interests.gain(A)
    interests.subscribed(['A', 'unknown'])
    expect([sent, interest.isSubscribed, interest.isSynced]).toEqual([['sync A'], true, false])
    await clock.advance(19)
    expect(interest.isSynced).toBe(false)
    await clock.advance(1)

    expect([interest.isSynced, state.synced]).toEqual([true, 1])
  })

  it('gives origins four round trips if that is longer, but no more than half of `repairTimeoutMs`', async () => {
    const slow = interestsOf({ roundTripMs: 50 })
    const interest = slow.interests.gain(A)
    slow.interests.subscribed(['A'])
    await slow.clock.advance(199)
    expect(interest.isSynced).toBe(false)
    await slow.clock.advance(1)
    expect(interest.isSynced).toBe(true)
    const slowest = interestsOf({ roundTripMs: 5_000 })
    const other = slowest.interests.gain(A)
    slowest.interests.subscribed(['A'])
    await slowest.clock.advance(499)
    expect(other.isSynced).toBe(false)
    await slowest.clock.advance(1)

    expect(other.isSynced).toBe(true)
  })

  it('does not count as asked if the link did not take the question', async () => {
    const { clock, interests, state } = interestsOf()
    const interest = interests.gain(A)
    state.isUp = false
    interests.subscribed(['A'])
    await clock.advance(5_000)

    expect(interest.isSynced).toBe(false)
  })

  it('keeps a channel for `idleDelayMs` after each client that asked for it', async () => {
    const { clock, interests, wishes } = interestsOf()
    const keep = (): void => {
      interests.keep(interests.gain(A))
      interests.lose(A)
    }
    keep()
    await clock.advance(200)
    keep()
    await clock.advance(299)
    expect(wishes).toEqual(['+ A'])
    await clock.advance(1)

    expect(wishes).toEqual(['+ A', '- A'])
  })

  it('begins again with a channel that it left', async () => {
    const { clock, interests, wishes } = interestsOf()
    const first = interests.gain(A)
    first.isSynced = true
    interests.lose(A)
    const second = interests.gain(A)
    await clock.advance(0)

    expect([second === first, second.isSynced, wishes]).toEqual([false, false, ['+ A', '- A', '+ A']])
  })
})
