import { describe, expect, it } from 'vitest'
import { defineStreams } from '../../../src/index.ts'
import type { ResolvedCatalogue } from '../../../src/model/catalogue.ts'
import { Channel } from '../../../src/recovery/channel.ts'
import { Channels } from '../../../src/recovery/channels.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private', symbol: 'required' },
}) as ResolvedCatalogue

/** The channels with these names, in this order. */
function channelsOf(...names: readonly (readonly [streamType: string, symbol?: string, userId?: string])[]) {
  const channels = new Channels(streams)
  const added = names.map(([streamType, symbol, userId]) => new Channel({ streamType, symbol, userId }, 'e', false, { count: 1, units: 1 }))
  for (const channel of added) channels.add(channel)
  const find = (streamType: string, symbol?: string, userId?: string): number => added.indexOf(channels.find({ streamType, symbol, userId }) as Channel)
  return { channels, added, find }
}

describe('the channels of a recovery', () => {
  it('are found by symbol if the type requires one, and by user if the type is private', () => {
    const { find } = channelsOf(['TRADES', 'A'], ['TRADES', 'B'], ['NEWS'], ['ORDERS', 'A', 'ann'], ['ORDERS', 'A', 'bob'], ['ORDERS', 'B', 'ann'])

    expect([find('TRADES', 'A'), find('TRADES', 'B'), find('TRADES', 'C')]).toEqual([0, 1, -1])
    expect([find('NEWS', 'A'), find('NEWS', 'B'), find('NEWS')]).toEqual([2, 2, 2])
    expect([find('ORDERS', 'A', 'ann'), find('ORDERS', 'A', 'bob'), find('ORDERS', 'B', 'ann'), find('ORDERS', 'B', 'bob')]).toEqual([3, 4, 5, -1])
  })

  it('of a public type are found whatever user is given', () => {
    const { find } = channelsOf(['TRADES', 'A'])

    expect(find('TRADES', 'A', 'ann')).toBe(0)
  })

  it('go one by one: the other channels of the type and of the user stay, oldest first', () => {
    const { channels, added, find } = channelsOf(['ORDERS', 'A', 'ann'], ['ORDERS', 'B', 'ann'], ['ORDERS', 'A', 'bob'], ['TRADES', 'A'])

    channels.delete(added[0] as Channel)
    const afterOne = [find('ORDERS', 'A', 'ann'), find('ORDERS', 'B', 'ann'), find('ORDERS', 'A', 'bob')]
    channels.delete(added[1] as Channel)

    expect([afterOne, [find('ORDERS', 'B', 'ann'), find('ORDERS', 'A', 'bob'), find('TRADES', 'A')]]).toEqual([[-1, 1, 2], [-1, 2, 3]])
    expect([channels.size, [...channels]]).toEqual([2, [added[2], added[3]]])
  })

  it('can be added again after they went', () => {
    const { channels, added, find } = channelsOf(['ORDERS', 'A', 'ann'])
    channels.delete(added[0] as Channel)

    channels.add(added[0] as Channel)

    expect([find('ORDERS', 'A', 'ann'), channels.size]).toEqual([0, 1])
  })
})
