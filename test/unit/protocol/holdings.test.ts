import { describe, expect, it } from 'vitest'
import type { Subscription } from '../../../src/model/subscription.ts'
import { Holdings, type Holder } from '../../../src/protocol/holdings.ts'
import { collectGarbage } from '../../support/garbage.ts'

interface Client extends Holder {
  /** What the client was told, such as `TRADES A revoked`. */
  readonly told: string[]
}

function client(): Client {
  const told: string[] = []
  return { told, ended: ({ streamType, symbol }, reason) => void told.push(`${streamType} ${symbol} ${reason}`) }
}

function subscription(streamType: string, symbol?: string): Subscription {
  return { streamType, symbol } as Subscription
}

/** One subscription to each whole type, and one to each symbol of each type. */
function market({ types, symbols }: { readonly types: number; readonly symbols: number }): Subscription[] {
  return Array.from({ length: types }, (_, t) => [
    subscription(`T${t}`),
    ...Array.from({ length: symbols }, (_, s) => subscription(`T${t}`, `S${s}`)),
  ]).flat()
}

describe('Holdings', () => {
  it.each([{ types: 1, symbols: 0 }, { types: 3, symbols: 3 }, { types: 20, symbols: 20 }])('tells streams apart by type and symbol: $types types, $symbols symbols', (size) => {
    const holdings = new Holdings()
    const holder = client()
    const all = market(size)
    for (const each of all) holdings.add(holder, each)

    const removed = all.filter((each, n) => n % 2 === 0 && holdings.remove(holder, { streamType: each.streamType, symbol: each.symbol ?? null }))
    for (const each of all) holdings.ended(each, 'revoked')

    const rest = all.filter((each) => !removed.includes(each))
    expect(removed).toHaveLength(Math.ceil(all.length / 2))
    expect(holder.told).toEqual(rest.map(({ streamType, symbol }) => `${streamType} ${symbol} revoked`))
  })

  it.each([1, 2, 40])('tells each of %i holders once, and none that has a newer subscription to the stream', (count) => {
    const holdings = new Holdings()
    const [older, newer] = [subscription('TRADES', 'A'), subscription('TRADES', 'A')]
    const holders = Array.from({ length: count }, client)
    const resubscribed = client()
    for (const each of [...holders, resubscribed]) holdings.add(each, older)

    holdings.add(resubscribed, newer)
    for (let i = 0; i < 2; i++) holdings.ended(older, 'revoked')

    expect(holders.map(({ told }) => told)).toEqual(holders.map(() => ['TRADES A revoked']))
    expect(resubscribed.told).toEqual([])
    expect(holdings.has(resubscribed, newer)).toBe(true)
  })

  it('takes nothing up, when it reconciles, that the client was not told about', () => {
    const holdings = new Holdings()
    const holder = client()
    const [known, renewed, ofHost] = [subscription('TRADES', 'A'), subscription('TRADES', 'A'), subscription('TRADES', 'B')]
    holdings.add(holder, known)

    holdings.reconcile(holder, [renewed, ofHost], 'reassigned')
    for (const each of [known, ofHost]) holdings.ended(each, 'revoked')

    expect([holdings.has(holder, renewed), holdings.has(holder, ofHost), holder.told]).toEqual([true, false, []])
  })

  it.each<[string, (holdings: Holdings, holder: Client, all: readonly Subscription[]) => void]>([
    ['removed one by one', (holdings, holder, all) => { for (const each of all) holdings.remove(holder, each) }],
    ['forgotten', (holdings, holder) => holdings.forget(holder)],
    ['ended', (holdings, _, all) => { for (const each of all) holdings.ended(each, 'revoked') }],
  ])('keeps nothing of a client whose subscriptions are %s', async (_, end) => {
    const holdings = new Holdings()
    const references = (() => {
      const holder = client()
      const all = market({ types: 3, symbols: 3 })
      for (const each of all) holdings.add(holder, each)
      end(holdings, holder, all)
      return [holder, ...all].map((each) => new WeakRef<object>(each))
    })()

    await collectGarbage()

    expect(references.filter((each) => each.deref() !== undefined)).toEqual([])
    expect(holdings).toBeInstanceOf(Holdings)
  })
})
