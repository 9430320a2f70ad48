import { describe, expect, it } from 'vitest'
import type { Destination } from '../../../src/cluster/destination.ts'
import type { Frame } from '../../../src/cluster/frame.ts'
import { Interest } from '../../../src/cluster/interest.ts'
import { Receiving } from '../../../src/cluster/receiving.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const CHANNEL = { streamType: 'TRADES', symbol: 'A', userId: undefined }

interface Setup {
  readonly isLatest?: boolean
  readonly maxHeldUnits?: number
  readonly mostEpochs?: number
  readonly mostQuestions?: number
}

/** The receiving half of a node, with an interest in one channel. `got` is what its subscribers get: `1`, `gap 2`, `gap ?`. */
function receivingOf({ isLatest = false, maxHeldUnits = 10_000, mostEpochs = 32, mostQuestions = 1 }: Setup = {}) {
  const clock = new ManualClock()
  const got: string[] = []
  const asked: string[] = []
  const state = { isUp: true, settled: 0 }
  const known = new Map<string, { seq: number; forgotten: number }>()
  const know = (epoch: string, seq: number): void => {
    known.set(epoch, { seq, forgotten: known.get(epoch)?.forgotten ?? 0 })
    if (known.size > mostEpochs) known.delete([...known.keys()][0] as string)
  }
  const destination: Destination = {
    isLatest,
    isReplacing: isLatest,
    mostQuestions,
    knownOf: (epoch) => known.get(epoch),
    isOwn: (epoch) => epoch === 'own',
    epochs: () => [...known.keys()],
    accept: (epoch, { seq, text }) => {
      if (text.startsWith('!')) throw new Error('broken')
      know(epoch, seq)
      got.push(text)
    },
    complete: (epoch, messages) => got.push(`completes ${epoch} ${messages.map(({ seq }) => seq).join()}`),
    skipTo: (epoch, seq, isMissing) => {
      const missing = seq - (known.get(epoch)?.seq ?? 0)
      know(epoch, seq)
      if (isMissing && missing > 0) got.push(`gap ${missing}`)
    },
    giveUp: (epoch) => {
      known.delete(epoch)
      got.push('gap ?')
    },
  }
  const receiving = new Receiving({
    clock, node: 'here', repairTimeoutMs: 1_000, maxHeldUnits,
    sendTo: (node, frame) => asked.push(`${node} ${(frame as Extract<Frame, { kind: 'ask' }>).epoch} ${(frame as Extract<Frame, { kind: 'ask' }>).first}–${(frame as Extract<Frame, { kind: 'ask' }>).last}`),
    isUp: () => state.isUp,
    settled: () => void state.settled++,
  })
  const want = (): Interest => {
    const interest = new Interest(CHANNEL, 'subject', destination, clock.monotonic())
    receiving.begin(interest)
    interest.isSynced = true
    return interest
  }
  const message = (seq: number, { epoch = 'e1', node = 'n1', ageMs = 0, text = String(seq) } = {}): void =>
    receiving.message({ kind: 'message', node, channel: CHANNEL, epoch, ageMs, message: { seq, symbol: 'A', text } })
  const progress = (seq: number, { epoch = 'e1', node = 'n1', ageMs = 0, lastAgeMs = 0 } = {}): void => receiving.progress(node, { channel: CHANNEL, epoch, seq, ageMs, lastAgeMs })
  const answer = (seqs: readonly number[], first: number, last: number, { epoch = 'e1', node = 'n1', isLast = true } = {}): void =>
    receiving.answer({ kind: 'answer', node, channel: CHANNEL, epoch, first, last, isLast, messages: seqs.map((seq) => ({ seq, symbol: 'A', text: String(seq) })) })
  return { clock, receiving, got, asked, state, known, want, message, progress, answer }
}

describe('Receiving', () => {
  it('takes nothing of a channel that nobody wants', () => {
    const { receiving, got, message, progress, answer } = receivingOf()
    message(1)
    progress(2)
    answer([1], 1, 1)

    expect([got, receiving.counts]).toEqual([[], { received: 1, duplicates: 0, unwanted: 1, repaired: 0, repairs: 0 }])
  })

  it('takes nothing of an epoch in which this node publishes itself', () => {
    const { receiving, got, asked, want, message, progress } = receivingOf()
    want()
    message(1, { epoch: 'own' })
    progress(5, { epoch: 'own' })

    expect([got, asked, receiving.counts.unwanted]).toEqual([[], [], 1])
  })

  it('takes each message once, and counts those that come again', () => {
    const { clock, receiving, got, want, message } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 2, 2, 1]) message(seq)

    expect([got, receiving.counts.duplicates]).toEqual([['1', '2'], 2])
  })

  it('asks an origin for a hole, and goes on with its answer', () => {
    const { clock, receiving, got, asked, state, want, message, answer } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 4, 5]) message(seq)
    expect([got, asked]).toEqual([['1'], ['n1 e1 2–3']])
    answer([2, 3], 2, 3)

    expect(got).toEqual(['1', '2', '3', '4', '5'])
    expect(receiving.counts).toMatchObject({ repairs: 1, repaired: 2 })
    expect(state.settled).toBeGreaterThan(0)
    expect(clock.pendingTimers).toBe(1)
    clock.advance(10_000)
    expect(got).toHaveLength(5)
  })

  it('tells when an origin becomes known, because a client may wait for it', () => {
    const { clock, state, want, message } = receivingOf()
    want()
    clock.advance(10)
    message(1)

    expect(state.settled).toBe(1)
  })

  it('tells once when an origin has reached the number that a client waits for', () => {
    const { clock, state, want, message } = receivingOf()
    const interest = want()
    clock.advance(10)
    message(1)
    const origin = interest.find('e1') as NonNullable<ReturnType<typeof interest.find>>
    origin.awaited = 3
    const before = state.settled
    message(2)
    expect([state.settled - before, origin.awaited]).toEqual([0, 3])
    message(3)
    message(4)

    expect([state.settled - before, origin.awaited]).toEqual([1, Infinity])
  })

  it('waits `repairTimeoutMs` after each part of an answer, asks once more, and then reports what is missing', () => {
    const { clock, got, asked, want, message, answer } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 5]) message(seq)
    clock.advance(900)
    answer([2], 2, 4, { isLast: false })
    clock.advance(999)
    expect(asked).toEqual(['n1 e1 2–4'])
    clock.advance(1)
    expect(asked).toEqual(['n1 e1 2–4', 'n1 e1 3–4'])
    clock.advance(999)
    expect(got).toEqual(['1', '2'])
    clock.advance(1)

    expect(got).toEqual(['1', '2', 'gap 2', '5'])
  })

  it('does not ask again between the parts of an answer, whatever else arrives meanwhile', () => {
    const { clock, got, asked, want, message, answer, progress } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 5]) message(seq)
    answer([2], 2, 4, { isLast: false })
    message(6)
    progress(6)
    answer([3], 2, 4, { isLast: false })
    answer([4], 2, 4)
    message(8)

    expect([got, asked]).toEqual([['1', '2', '3', '4', '5', '6'], ['n1 e1 2–4', 'n1 e1 7–7']])
  })

  it('asks for the rest of an answer whose last parts were lost', () => {
    const { clock, got, asked, want, message, answer } = receivingOf({ mostQuestions: 2 })
    want()
    clock.advance(10)
    for (const seq of [1, 5]) message(seq)
    answer([2], 2, 4, { isLast: false })
    clock.advance(1_000)
    answer([3, 4], 3, 4)

    expect([got, asked]).toEqual([['1', '2', '3', '4', '5'], ['n1 e1 2–4', 'n1 e1 3–4']])
  })

  it('asks again if a question may have been lost, as often as the destination wants', () => {
    const { clock, got, asked, want, message } = receivingOf({ mostQuestions: 3 })
    want()
    clock.advance(10)
    for (const seq of [1, 3]) message(seq)
    clock.advance(2_999)
    expect([asked.length, got]).toEqual([3, ['1']])
    clock.advance(1)

    expect(got).toEqual(['1', 'gap 1', '3'])
  })

  it('does not count the time while the link is down, and asks again when it is up', () => {
    const { clock, receiving, got, asked, state, want, message, answer } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 3]) message(seq)
    state.isUp = false
    receiving.linkChanged(false)
    clock.advance(60_000)
    expect(got).toEqual(['1'])
    state.isUp = true
    receiving.linkChanged(true)
    expect(asked).toEqual(['n1 e1 2–2', 'n1 e1 2–2'])
    answer([2], 2, 2)

    expect(got).toEqual(['1', '2', '3'])
  })

  it('forgets an epoch that does not say how far it is once the link is up, and tells that something may be missing', () => {
    const { clock, receiving, got, known, want, message, progress } = receivingOf()
    const interest = want()
    clock.advance(10)
    message(1)
    message(1, { epoch: 'e2', node: 'n2' })
    receiving.linkChanged(true)
    expect(interest.isWhole).toBe(false)
    progress(1)
    clock.advance(1_000)

    expect([got, [...known.keys()], interest.isWhole]).toEqual([['1', '1', 'gap ?'], ['e1'], true])
  })

  it('goes on where an origin was that had not said how far it is', () => {
    const { clock, receiving, got, asked, want, message, answer } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 2]) message(seq)
    receiving.linkChanged(true)
    clock.advance(1_000)
    message(4)
    answer([3], 3, 3)

    expect([got, asked]).toEqual([['1', '2', 'gap ?', '3', '4'], ['n1 e1 3–3']])
  })

  it('remembers 1,000 such origins of a channel', () => {
    const { clock, receiving, got, want, message } = receivingOf({ mostEpochs: 2_000 })
    want()
    clock.advance(10)
    for (let i = 0; i <= 1_000; i++) message(1, { epoch: `e${i}`, node: `n${i}` })
    receiving.linkChanged(true)
    clock.advance(1_000)
    got.length = 0
    for (const i of [0, 1]) message(1, { epoch: `e${i}`, node: `n${i}`, text: `again e${i}` })

    expect(got).toEqual(['again e0'])
  })

  it('names the channels in which a node has to say how far it is, five times for each break, and gives it its time again', () => {
    const { clock, receiving, got, want, message } = receivingOf()
    want()
    clock.advance(10)
    message(1)
    message(1, { epoch: 'e2' })
    message(1, { epoch: 'e3', node: 'n3' })
    expect(receiving.cameBack('n1')).toEqual([])
    receiving.linkChanged(true)
    clock.advance(900)
    expect(receiving.cameBack('n2')).toEqual([])
    for (let i = 0; i < 5; i++) expect(receiving.cameBack('n1')).toEqual([CHANNEL])
    expect(receiving.cameBack('n1')).toEqual([])
    got.length = 0
    clock.advance(900)
    expect(got).toEqual(['gap ?'])
    receiving.linkChanged(true)
    expect(receiving.cameBack('n1')).toEqual([CHANNEL])
    clock.advance(1_000)

    expect(got).toEqual(['gap ?', 'gap ?', 'gap ?'])
  })

  it('asks a younger origin for all that it published', () => {
    const { clock, asked, got, want, progress, answer } = receivingOf()
    want()
    clock.advance(100)
    progress(3, { ageMs: 99 })
    expect(asked).toEqual(['n1 e1 1–3'])
    answer([1, 2, 3], 1, 3)

    expect(got).toEqual(['1', '2', '3'])
  })

  it('tells subscribers a gap if an older origin is heard of late', () => {
    const { clock, asked, got, want, progress } = receivingOf()
    want()
    clock.advance(100)
    progress(3, { ageMs: 100 })

    expect([asked, got]).toEqual([[], ['gap 3']])
  })

  it('tells subscribers of before the answers a gap if something was published since, and nobody of what is older', () => {
    const { clock, got, want, progress } = receivingOf()
    const interest = want()
    interest.isSynced = false
    interest.hasEarlySubscribers = true
    clock.advance(100)
    progress(3, { ageMs: 500, lastAgeMs: 101 })
    expect(got).toEqual([])
    progress(4, { epoch: 'e2', node: 'n2', ageMs: 500, lastAgeMs: 100 })

    expect(got).toEqual(['gap 4'])
  })

  it('takes what an origin published before the interest for nobody’s business', () => {
    const { clock, asked, got, want, progress, message } = receivingOf()
    want().isSynced = false
    clock.advance(100)
    progress(3, { ageMs: 500, lastAgeMs: 0 })
    message(4, { ageMs: 510 })

    expect([asked, got]).toEqual([[], ['4']])
  })

  it('gets the last values of a `latest` channel, and tells no gap', () => {
    const { clock, asked, got, want, progress, answer } = receivingOf({ isLatest: true })
    want()
    clock.advance(100)
    progress(9, { ageMs: 500 })
    expect(asked).toEqual(['n1 e1 1–9'])
    answer([7, 9], 1, 9)

    expect(got).toEqual(['7', '9'])
  })

  it('takes an answer from the origin alone', () => {
    const { clock, got, want, message, answer } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 3]) message(seq)
    answer([2], 2, 2, { node: 'n2' })
    answer([2], 2, 2, { epoch: 'e9' })

    expect(got).toEqual(['1'])
  })

  it('keeps the node from which an epoch came first', () => {
    const { clock, asked, want, message } = receivingOf()
    want()
    clock.advance(10)
    message(1)
    message(3, { node: 'n2' })

    expect(asked).toEqual(['n1 e1 2–2'])
  })

  it('goes on without what is missing if too much waits, those that wait longest first', () => {
    const { clock, got, want, message } = receivingOf({ maxHeldUnits: 400 })
    want()
    clock.advance(10)
    message(1)
    message(1, { epoch: 'e2', node: 'n2' })
    message(3, { text: 'a'.repeat(200) })
    message(3, { epoch: 'e2', node: 'n2', text: 'b'.repeat(200) })

    expect(got).toEqual(['1', '1', 'gap 1', 'a'.repeat(200)])
  })

  it('holds nothing for an origin in doubt once too much waits', () => {
    const { clock, receiving, got, known, want, message } = receivingOf({ maxHeldUnits: 400 })
    want()
    clock.advance(10)
    message(1)
    message(3, { text: 'a'.repeat(200) })
    message(1, { epoch: 'e2', node: 'n2' })
    receiving.linkChanged(true)
    message(3, { epoch: 'e2', node: 'n2', text: 'b'.repeat(200) })

    expect(got).toEqual(['1', '1', 'gap ?'])
    expect([...known.keys()]).toEqual(['e2'])
  })

  it('lets others hold what the destination failed to take', () => {
    const { clock, got, want, message } = receivingOf({ maxHeldUnits: 300 })
    want()
    clock.advance(10)
    message(1)
    message(3, { text: `!${'a'.repeat(200)}` })
    expect(() => message(2)).toThrow('broken')
    message(1, { epoch: 'e2', node: 'n2' })
    message(3, { epoch: 'e2', node: 'n2', text: 'b'.repeat(200) })

    expect(got).toEqual(['1', '2', '1'])
  })

  it('forgets the origins of epochs that the destination has forgotten', () => {
    const { clock, got, want, message } = receivingOf({ mostEpochs: 2 })
    const interest = want()
    clock.advance(10)
    message(1)
    message(3)
    message(1, { epoch: 'e2', node: 'n2' })
    message(1, { epoch: 'e3', node: 'n3' })

    expect([...interest.origins()].map(({ epoch }) => epoch)).toEqual(['e2', 'e3'])
    expect(got).toEqual(['1', '1', '1'])
    clock.advance(1_000)
    expect(got).toHaveLength(3)
  })

  it('delivers nothing again of an origin whose epoch the destination has forgotten', () => {
    const { clock, got, asked, want, message } = receivingOf({ mostEpochs: 2 })
    want()
    clock.advance(10)
    for (const seq of [1, 2, 3]) for (const n of [1, 2, 3]) message(seq, { epoch: `e${n}`, node: `n${n}`, text: `${n}.${seq}` })

    expect([got, asked]).toEqual([['1.1', '2.1', '3.1', '1.2', '2.2', '3.2', '1.3', '2.3', '3.3'], []])
  })

  it('asks once for older messages, and hands them to the destination', () => {
    const { clock, receiving, got, asked, known, want, progress, answer } = receivingOf()
    known.set('e1', { seq: 5, forgotten: 5 })
    const interest = want()
    progress(5)
    const [origin] = interest.origins()
    receiving.complete(interest, origin as never, 2)
    receiving.complete(interest, origin as never, 2)
    receiving.complete(interest, origin as never, 3)
    expect(asked).toEqual(['n1 e1 3–5'])
    expect(origin?.answeredFrom).toBe(Infinity)
    answer([3, 4, 5], 3, 5)

    expect([got, origin?.answeredFrom]).toEqual([['completes e1 3,4,5'], 3])
    receiving.complete(interest, origin as never, 0)
    expect(asked).toEqual(['n1 e1 3–5', 'n1 e1 1–5'])
    clock.advance(5_000)
    expect(got).toHaveLength(1)
  })

  it('asks nobody for older messages of an epoch whose node is not known yet', () => {
    const { receiving, asked, known, want } = receivingOf()
    known.set('e1', { seq: 5, forgotten: 5 })
    const interest = want()
    receiving.complete(interest, [...interest.origins()][0] as never, 2)

    expect(asked).toEqual([])
  })

  it('forgets what waits when a channel is not wanted any more', () => {
    const { clock, receiving, got, want, message } = receivingOf()
    const interest = want()
    clock.advance(10)
    for (const seq of [1, 3]) message(seq)
    receiving.end(interest)
    clock.advance(10_000)

    expect([got, receiving.find(CHANNEL), [...receiving.interests()]]).toEqual([['1'], undefined, []])
  })

  it('does nothing after `stop`', () => {
    const { clock, receiving, got, want, message } = receivingOf()
    want()
    clock.advance(10)
    for (const seq of [1, 3]) message(seq)
    receiving.stop()
    message(2)
    clock.advance(10_000)

    expect([got, clock.pendingTimers]).toEqual([['1'], 0])
  })
})
