import { describe, expect, it } from 'vitest'
import { Demand } from '../../../src/cluster/demand.ts'
import { subjectsOf } from '../../../src/cluster/subjects.ts'
import { settled, SimulatedClock } from '../../support/cluster/simulated-clock.ts'

const PRICE = { streamType: 'PRICE', symbol: 'A', userId: undefined }
const TRADES = { streamType: 'TRADES', symbol: 'A', userId: undefined }

/** A demand over a table in which `subscribers` has the counts by stream type. */
function demandOf() {
  const clock = new SimulatedClock()
  const told: string[] = []
  const errors: unknown[] = []
  const table = { counts: new Map<string, number>(), lookups: 0, answer: undefined as (() => Promise<number>) | undefined }
  const here = new Set<string>()
  const { channel, ...subjects } = subjectsOf('desk')
  const demand = new Demand({
    clock,
    idleDelayMs: 300,
    subjects: { ...subjects, channel: ({ streamType }) => streamType },
    backplane: { subscribers: (subject) => (table.lookups++, table.answer?.() ?? Promise.resolve(table.counts.get(subject) ?? 0)) },
    isWantedHere: ({ streamType }) => here.has(streamType),
    changed: ({ streamType }, isActive) => told.push(`${streamType} ${isActive ? 'active' : 'idle'}`),
    report: (error) => errors.push(error),
  })
  return { clock, demand, told, errors, table, here }
}

describe('Demand', () => {
  it('knows nothing until somebody follows it', () => {
    const { demand, told } = demandOf()
    demand.wanted([PRICE])
    expect([demand.isFollowed, told]).toEqual([false, []])
    demand.follow()
    demand.wanted([PRICE])

    expect([demand.isFollowed, told]).toEqual([true, ['PRICE active']])
  })

  it('tells of a channel once, however many nodes want it', () => {
    const { demand, told } = demandOf()
    demand.follow()
    demand.wanted([PRICE])
    demand.wanted([TRADES, { ...PRICE }])

    expect(told).toEqual(['PRICE active', 'TRADES active'])
  })

  it('tells that a channel is idle if the table has nobody for it after `idleDelayMs`', async () => {
    const { clock, demand, told } = demandOf()
    demand.follow()
    demand.wanted([PRICE])
    demand.left([PRICE, TRADES])
    await clock.advance(299)
    expect(told).toEqual(['PRICE active'])
    await clock.advance(1)

    expect(told).toEqual(['PRICE active', 'PRICE idle'])
  })

  it('keeps a channel active that the table has, that this node wants, or that is wanted again', async () => {
    const { clock, demand, told, table, here } = demandOf()
    demand.follow()
    demand.wanted([PRICE, TRADES, { ...TRADES, streamType: 'NEWS' }])
    table.counts.set('PRICE', 1)
    here.add('TRADES')
    demand.left([PRICE, TRADES, { ...TRADES, streamType: 'NEWS' }])
    await clock.advance(200)
    demand.wanted([{ ...TRADES, streamType: 'NEWS' }])
    await clock.advance(1_000)

    expect(told).toEqual(['PRICE active', 'TRADES active', 'NEWS active'])
    expect(table.lookups).toBe(1)
  })

  it('does not believe an answer that is older than the wish of a node', async () => {
    const { clock, demand, told, table } = demandOf()
    let answer = (_count: number): void => {}
    table.answer = () => new Promise((resolve) => (answer = resolve))
    demand.follow()
    demand.wanted([PRICE])
    demand.left([PRICE])
    await clock.advance(300)
    demand.wanted([PRICE])
    answer(0)
    await settled()

    expect(told).toEqual(['PRICE active'])
  })

  it('does not believe an answer that is older than the wish of this node', async () => {
    const { clock, demand, told, table, here } = demandOf()
    let answer = (_count: number): void => {}
    table.answer = () => new Promise((resolve) => (answer = resolve))
    demand.follow()
    demand.wanted([PRICE])
    demand.left([PRICE])
    await clock.advance(300)
    here.add('PRICE')
    answer(0)
    await settled()

    expect(told).toEqual(['PRICE active'])
  })

  it('finds channels of a node that died without a word, and tells of them only if they are still unwanted after `idleDelayMs`', async () => {
    const { clock, demand, told, table } = demandOf()
    demand.follow()
    demand.wanted([PRICE, TRADES])
    demand.lookUpSome()
    await settled()
    expect(told).toEqual(['PRICE active', 'TRADES active'])
    table.counts.set('TRADES', 1)
    await clock.advance(300)

    expect(told).toEqual(['PRICE active', 'TRADES active', 'PRICE idle'])
  })

  it('looks up at most 50 channels at once, and each in its turn', async () => {
    const { demand, table } = demandOf()
    demand.follow()
    demand.wanted(Array.from({ length: 70 }, (_, n) => ({ ...PRICE, symbol: `s${n}` })))
    table.counts.set('PRICE', 1)
    demand.lookUpSome()
    expect(table.lookups).toBe(50)
    demand.lookUpSome()
    expect(table.lookups).toBe(70)
    demand.lookUpSome()

    expect(table.lookups).toBe(120)
  })

  it('keeps a channel active if the table cannot be asked, and reports why', async () => {
    const { clock, demand, told, errors, table } = demandOf()
    table.answer = () => Promise.reject(new Error('down'))
    demand.follow()
    demand.wanted([PRICE])
    demand.left([PRICE])
    await clock.advance(300)

    expect([told, errors]).toEqual([['PRICE active'], [new Error('down')]])
  })

  it('reports no lookup that fails after `stop`, because the backplane was closed', async () => {
    const { clock, demand, errors, table } = demandOf()
    let fail = (_error: Error): void => {}
    table.answer = () => new Promise((_resolve, reject) => (fail = reject))
    demand.follow()
    demand.wanted([PRICE])
    demand.lookUpSome()
    demand.stop()
    fail(new Error('closed'))
    await clock.advance(1_000)

    expect(errors).toEqual([])
  })

  it('tells nothing after `stop`', async () => {
    const { clock, demand, told } = demandOf()
    demand.follow()
    demand.wanted([PRICE])
    demand.left([PRICE])
    demand.stop()
    await clock.advance(1_000)

    expect(told).toEqual(['PRICE active'])
  })
})
