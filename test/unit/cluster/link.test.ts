import { describe, expect, it } from 'vitest'
import { decodeFrame } from '../../../src/cluster/envelope.ts'
import type { Frame } from '../../../src/cluster/frame.ts'
import { Link } from '../../../src/cluster/link.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const FRAME: Frame = { kind: 'survey', node: 'n1' }
const BIG: Frame = { kind: 'message', node: 'n1', channel: { streamType: 'A', symbol: undefined, userId: undefined }, epoch: 'e1', ageMs: 0, message: { seq: 1, symbol: undefined, text: 'x'.repeat(500) } }

type Probe = Extract<Frame, { kind: 'probe' }>

/** A link whose probes come back if the test says so. */
function linkOf(publish: (text: string) => unknown = () => {}) {
  const clock = new ManualClock()
  const sent: Frame[] = []
  const changes: boolean[] = []
  const client = { publish }
  const link = new Link({
    backplane: { publish: (_subject: string, text: string) => (sent.push(decodeFrame(text) as Frame), client.publish(text)) } as never,
    clock, node: 'n1', subject: 's', probeMs: 1_000, maxUnconfirmedBytes: 1_000,
    changed: (isUp) => changes.push(isUp),
  })
  const probes = (): Probe[] => sent.filter((each) => (each as Frame).kind === 'probe') as Probe[]
  const echo = (at = -1): void => {
    const { number, units } = probes().at(at) as Probe
    link.echoed(number, units)
  }
  return { clock, link, client, changes, sent, probes, echo }
}

describe('Link', () => {
  it('is up when the first probe comes back, and not before, whatever the client says', () => {
    const { link, changes, echo } = linkOf()
    link.start()
    link.reported(true)
    expect(link.isUp).toBe(false)
    echo()

    expect([link.isUp, changes]).toEqual([true, [true]])
  })

  it('sends nothing while it is down', () => {
    const { link, sent } = linkOf()

    expect([link.send('s', FRAME), sent]).toEqual([false, []])
  })

  it('probes every `probeMs`, one probe at a time', () => {
    const { clock, link, probes, echo } = linkOf()
    link.start()
    clock.advance(1_500)
    expect(probes()).toHaveLength(1)
    echo()
    clock.advance(500)

    expect(probes()).toHaveLength(2)
  })

  it('is down if a probe has not come back after twice `probeMs`, and tries again', () => {
    const { clock, link, changes, probes, echo } = linkOf()
    link.start()
    echo()
    clock.advance(1_000)
    clock.advance(1_999)
    expect(changes).toEqual([true])
    clock.advance(1)
    expect(changes).toEqual([true, false])
    expect([link.downs, probes().length]).toEqual([1, 3])
    echo()

    expect(changes).toEqual([true, false, true])
  })

  it('is up again if an old probe comes back late', () => {
    const { clock, link, changes, echo } = linkOf()
    link.start()
    echo()
    clock.advance(3_000)
    echo(1)

    expect([link.isUp, changes]).toEqual([true, [true, false, true]])
  })

  it('is down at once if the client says so', () => {
    const { link, changes, echo } = linkOf()
    link.start()
    echo()
    link.reported(false)
    link.reported(false)

    expect(changes).toEqual([true, false])
  })

  it('is down if the client throws, and does not throw itself', () => {
    const { link, client, changes, echo } = linkOf()
    link.start()
    echo()
    client.publish = () => { throw new Error('closed') }

    expect(link.send('s', FRAME)).toBe(false)
    expect(changes).toEqual([true, false])
  })

  it('is down if the client rejects', async () => {
    const { link, client, changes, echo } = linkOf()
    link.start()
    echo()
    client.publish = () => Promise.reject(new Error('closed'))
    expect(link.send('s', FRAME)).toBe(true)
    await new Promise(setImmediate)

    expect(changes).toEqual([true, false])
  })

  it('does not probe again as long as the client has not handed over the last probe', async () => {
    let handOver = (): void => {}
    const { clock, link, probes } = linkOf(() => new Promise<void>((resolve) => (handOver = resolve)))
    link.start()
    clock.advance(10_000)
    link.reported(true)
    expect(probes()).toHaveLength(1)
    handOver()
    await new Promise(setImmediate)
    clock.advance(1_000)

    expect(probes()).toHaveLength(2)
  })

  it('probes at once when the client has handed over a probe from before it had its broker', async () => {
    const handOvers: (() => void)[] = []
    const { link, probes } = linkOf(() => new Promise<void>((resolve) => handOvers.push(resolve)))
    link.start()
    link.reported(true)
    link.reported(true)
    for (let i = 0; i < 3; i++) {
      handOvers[i]?.()
      await new Promise(setImmediate)
    }

    expect(probes()).toHaveLength(2)
  })

  it('does not probe at once if that probe came back, or if the link was closed', async () => {
    for (const end of [(link: Link) => link.echoed(1, 0), (link: Link) => link.stop()]) {
      let handOver = (): void => {}
      const { link, probes } = linkOf(() => new Promise<void>((resolve) => (handOver = resolve)))
      link.start()
      link.reported(true)
      end(link)
      handOver()
      await new Promise(setImmediate)

      expect(probes()).toHaveLength(1)
    }
  })

  it('sends no more than `maxUnconfirmedBytes` before a probe confirms it, and probes early', () => {
    const { link, sent, probes, echo } = linkOf()
    link.start()
    echo()
    const isSent = [link.send('s', BIG), link.send('s', BIG), link.send('s', BIG)]
    expect(isSent).toEqual([true, true, false])
    expect(sent.length).toBe(4)
    expect(probes()).toHaveLength(2)
    const { mark } = link
    expect(link.isConfirmed(mark)).toBe(false)
    echo()

    // The probe went before the second message.
    expect(link.isConfirmed(mark)).toBe(false)
    expect(link.send('s', BIG)).toBe(true)
  })

  it('measures how long a probe takes', () => {
    const { clock, link, echo } = linkOf()
    link.start()
    clock.advance(7)
    echo()

    expect(link.roundTripMs).toBe(7)
  })

  it('takes no echo of a probe that it has not sent, and confirms no more than it has sent', () => {
    const { link, changes } = linkOf()
    link.start()
    link.echoed(2, 0)
    expect(changes).toEqual([])
    link.echoed(1, 1e15)

    expect([link.isUp, link.unconfirmedUnits]).toEqual([true, 0])
  })

  it('is down for good after `stop`, and tells nobody', () => {
    const { clock, link, changes, probes, echo } = linkOf()
    link.start()
    echo()
    link.stop()
    echo()
    link.reported(false)
    link.start()
    clock.advance(10_000)

    expect([link.isUp, changes, probes().length, clock.pendingTimers]).toEqual([false, [true], 1, 0])
  })
})
