import { describe, expect, it } from 'vitest'
import { decodeFrame } from '../../../src/cluster/envelope.ts'
import type { Frame } from '../../../src/cluster/frame.ts'
import { Publications } from '../../../src/cluster/publications.ts'
import { subjectsOf } from '../../../src/cluster/subjects.ts'
import type { LoggedMessage } from '../../../src/ports/channel-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A', userId: undefined }
const LOCAL = { streamType: 'LOCAL', symbol: 'A', userId: undefined }

/** The publishing half of a node. `sent` is what the link took: the subject, the kind and the number. */
function publicationsOf(heldUnits = 10) {
  const clock = new ManualClock()
  const send = (subject: string, frame: Frame): boolean => state.isUp && sent.push([subject, frame]) > 0
  const sent: [subject: string, frame: Frame][] = []
  const state = { isUp: true, isConfirmed: true, isForgotten: false }
  const held: LoggedMessage[] = []
  const publications = new Publications({
    clock, node: 'here', quietAfterMs: 500,
    subjects: { ...subjectsOf('desk'), node: (node) => `to ${node}` },
    subjectOf: ({ streamType }) => (streamType === 'LOCAL' ? undefined : streamType),
    messages: {
      own: () => (state.isForgotten || held.length === 0 ? undefined : { epoch: 'e1', seq: held.length, ageMs: 20, lastAgeMs: 10 }),
      range: (_channel, _epoch, first, last) => held.filter(({ seq }) => seq >= first && seq <= last),
    },
    link: {
      get isUp() {
        return state.isUp
      },
      mark: 7,
      isConfirmed: (mark: number) => state.isConfirmed && mark < Infinity,
      send,
      sendText: (subject: string, text: string) => send(subject, decodeFrame(text) as Frame),
    } as never,
  })
  const publish = (channel = TRADES, epoch = 'e1'): void => {
    const message = { seq: held.length + 1, symbol: 'A', text: 'x'.repeat(heldUnits) }
    held.push(message)
    publications.send({ channel, epoch, ageMs: 20, message })
  }
  const kinds = (): string[] => sent.map(([subject, { kind }]) => `${subject} ${kind}`)
  return { clock, publications, publish, sent, kinds, state, held }
}

describe('Publications', () => {
  it('sends a message with the age of its epoch', () => {
    const { publications, publish, sent } = publicationsOf()
    publish()

    expect(sent).toEqual([['TRADES', { kind: 'message', node: 'here', channel: TRADES, epoch: 'e1', ageMs: 20, message: { seq: 1, symbol: 'A', text: 'xxxxxxxxxx' } }]])
    expect(publications.counts).toEqual({ published: 1, sent: 1 })
  })

  it('names the epoch of each message, also if the channel has begun a new one', () => {
    const { publish, sent } = publicationsOf()
    for (const epoch of ['e1', 'e1', 'e2', 'e1']) publish(TRADES, epoch)

    expect(sent.map(([, frame]) => (frame as Extract<Frame, { kind: 'message' }>).epoch)).toEqual(['e1', 'e1', 'e2', 'e1'])
  })

  it('sends nothing of a channel that stays on this node', () => {
    const { clock, publications, publish, sent } = publicationsOf()
    publish(LOCAL)
    publications.answerSync('n2', [LOCAL])
    publications.answerAsk('n2', { channel: LOCAL, epoch: 'e1', first: 1, last: 1 })
    clock.advance(10_000)

    expect([sent, publications.counts.published]).toEqual([[], 0])
  })

  it('counts what the link did not take', () => {
    const { publications, publish, state } = publicationsOf()
    state.isUp = false
    publish()

    expect(publications.counts).toEqual({ published: 1, sent: 0 })
  })

  it('repeats the last number three times once a channel is quiet, each time after twice as long', () => {
    const { clock, publish, kinds } = publicationsOf()
    publish()
    clock.advance(300)
    publish()
    const at: number[] = []
    for (let ms = 0; ms < 20_000; ms += 100) {
      const before = kinds().length
      clock.advance(100)
      if (kinds().length > before) at.push(ms + 100)
    }

    // The alarm rings every 500 ms, counted from the first message.
    expect(at).toEqual([700, 1_700, 3_700])
    expect(kinds()).toEqual(['TRADES message', 'TRADES message', 'TRADES tail', 'TRADES tail', 'TRADES tail'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('goes on repeating until the broker is known to have it', () => {
    const { clock, publish, kinds, state } = publicationsOf()
    state.isConfirmed = false
    publish()
    clock.advance(8_000)
    expect(kinds().filter((each) => each.endsWith('tail'))).toHaveLength(4)
    state.isConfirmed = true
    clock.advance(60_000)

    expect(kinds().filter((each) => each.endsWith('tail'))).toHaveLength(4)
  })

  it('repeats the last numbers at once if asked to, also those that were repeated but may be lost', () => {
    const { clock, publications, publish, kinds, state } = publicationsOf()
    publish()
    publications.announce()
    expect(kinds()).toEqual(['TRADES message', 'TRADES tail'])
    clock.advance(5_000)
    publications.announce()
    expect(kinds()).toHaveLength(4)
    state.isConfirmed = false
    publish()
    clock.advance(10_000)
    state.isConfirmed = false
    publications.announce()

    expect(kinds().at(-1)).toBe('TRADES tail')
  })

  it.each([
    ['repeats a last number that may have been lost with the link', false, 4],
    ['does not repeat a last number that the broker had before the link was lost', true, 3],
  ])('%s', (_what, isConfirmed, tails) => {
    const { clock, publications, publish, kinds, state } = publicationsOf()
    publish()
    clock.advance(4_000)
    state.isConfirmed = isConfirmed
    publications.linkLost()
    state.isConfirmed = true
    publications.announce()

    expect(kinds().filter((each) => each.endsWith('tail'))).toHaveLength(tails)
  })

  it('forgets a channel that is forgotten, also while the link is down', () => {
    const { clock, publish, kinds, state } = publicationsOf()
    state.isUp = false
    publish()
    clock.advance(60_000)
    expect(clock.pendingTimers).toBe(1)
    state.isForgotten = true
    clock.advance(60_000)

    expect([kinds(), clock.pendingTimers]).toEqual([[], 0])
  })

  it('tells a node how far the channels are that it wants, as far as there are any', () => {
    const { publications, publish, sent } = publicationsOf()
    publications.answerSync('n2', [TRADES])
    expect(sent).toEqual([])
    publish()
    publications.answerSync('n2', [TRADES, LOCAL])

    expect(sent.at(-1)).toEqual(['to n2', { kind: 'progress', node: 'here', progress: [{ channel: TRADES, epoch: 'e1', seq: 1, ageMs: 20, lastAgeMs: 10 }] }])
  })

  it('answers what it has of a range, in one frame if it is small', () => {
    const { publications, publish, sent, held } = publicationsOf()
    for (let n = 0; n < 4; n++) publish()
    held.shift()
    publications.answerAsk('n2', { channel: TRADES, epoch: 'e1', first: 1, last: 3 })

    expect(sent.at(-1)).toMatchObject(['to n2', { kind: 'answer', first: 1, last: 3, isLast: true, messages: [{ seq: 2 }, { seq: 3 }] }])
  })

  it('answers in parts if the messages are large, and marks the last part', () => {
    const { publications, publish, sent } = publicationsOf(200_000)
    for (let n = 0; n < 5; n++) publish()
    publications.answerAsk('n2', { channel: TRADES, epoch: 'e1', first: 1, last: 5 })
    const parts = sent.map(([, frame]) => frame).filter(({ kind }) => kind === 'answer') as Extract<Frame, { kind: 'answer' }>[]

    expect(parts.map(({ messages, isLast }) => [messages.map(({ seq }) => seq), isLast])).toEqual([[[1, 2], false], [[3, 4], false], [[5], true]])
  })

  it('does not answer for an epoch of another node', () => {
    const { publications, publish, kinds } = publicationsOf()
    publish()
    publications.answerAsk('n2', { channel: TRADES, epoch: 'e2', first: 1, last: 1 })

    expect(kinds()).toEqual(['TRADES message'])
  })

  it('repeats nothing after `stop`', () => {
    const { clock, publications, publish, kinds } = publicationsOf()
    publish()
    publications.stop()
    clock.advance(10_000)

    expect([kinds(), clock.pendingTimers]).toEqual([['TRADES message'], 0])
  })
})
