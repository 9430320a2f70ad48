import { describe, expect, it } from 'vitest'
import { RevocationFloors } from '../../../src/recovery/revocation-floors.ts'

const ORDERS = { streamType: 'ORDERS', symbol: undefined }

/** Floors that are kept for 100 ms, of users `0` to `10,000`: one more than are told apart. */
function tooMany(isNeeded: () => boolean = () => false) {
  const floors = new RevocationFloors(100, isNeeded)
  for (let user = 0; user <= 10_000; user++) floors.add({ userId: String(user), streamType: undefined, symbol: undefined }, user + 1, 0)
  return floors
}

/** A revocation of everything of everybody, narrowed by the given fields. */
const revocation = (of: { readonly userId?: string; readonly streamType?: string; readonly symbol?: string }) => ({ userId: undefined, streamType: undefined, symbol: undefined, ...of })

describe('a revocation', () => {
  it.each([
    ['of a symbol', { streamType: 'NEWS', symbol: 'A' }, [7, 0, 7, 0]],
    ['of a type', { streamType: 'NEWS' }, [7, 7, 7, 0]],
    ['of a symbol of any type', { symbol: 'A' }, [7, 0, 7, 7]],
    ['of another type', { streamType: 'PRICE' }, [0, 0, 0, 0]],
    ['of a user', { userId: 'alice' }, [7, 7, 7, 7]],
    ['of another user', { userId: 'bob' }, [0, 0, 0, 0]],
  ] as const)('%s concerns its streams, and the whole types that contain one of them', (_of, revoked, expected) => {
    const floors = new RevocationFloors(100, () => false)
    floors.add(revocation(revoked), 7, 0)

    const asked = [{ streamType: 'NEWS', symbol: 'A' }, { streamType: 'NEWS', symbol: 'B' }, { streamType: 'NEWS', symbol: undefined }, ORDERS]
    expect(asked.map((stream) => floors.floorFor('alice', stream, 0))).toEqual(expected)
  })

  it('is forgotten after the age, not before', () => {
    const floors = new RevocationFloors(100, () => false)
    floors.add(revocation({ userId: 'alice' }), 7, 0)

    expect([99, 100].map((nowMs) => floors.floorFor('alice', ORDERS, nowMs))).toEqual([7, 0])
  })

  it('does not hide a later one while it is kept for longer', () => {
    const floors = new RevocationFloors(100, ({ order }) => order === 5)
    floors.add(revocation({ userId: 'alice' }), 5, 0)
    floors.add(revocation({ userId: 'alice', streamType: 'ORDERS' }), 9, 50)

    expect([100, 149, 150, 199].map((nowMs) => floors.floorFor('alice', ORDERS, nowMs))).toEqual([9, 9, 5, 5])
  })
})

describe('more than 10,000 revocations', () => {
  it('become one revocation for all users, up to the last of them', () => {
    const floors = tooMany()

    expect(floors.all()).toStrictEqual([{ revoked: { userId: undefined, streamType: undefined, symbol: undefined }, order: 10_001, atMs: 0 }])
    expect(['0', '10000', 'somebody else'].map((userId) => floors.floorFor(userId, ORDERS, 99))).toEqual([10_001, 10_001, 10_001])
  })

  it('are forgotten after the age', () => {
    const floors = tooMany()

    expect(floors.floorFor('0', ORDERS, 100)).toBe(0)
    expect(floors.all()).toEqual([])
  })

  it('are kept for another age if a message from before them is held', () => {
    const answers = [true, false]
    const floors = tooMany(() => answers.shift() as boolean)

    expect([100, 199, 200].map((nowMs) => floors.floorFor('0', ORDERS, nowMs))).toEqual([10_001, 10_001, 0])
    expect(answers).toEqual([])
  })

  it('do not hide later revocations', () => {
    const floors = tooMany()

    floors.add({ userId: 'alice', streamType: undefined, symbol: undefined }, 20_000, 1)

    expect(['alice', 'bob'].map((userId) => floors.floorFor(userId, ORDERS, 2))).toEqual([20_000, 10_001])
    expect(floors.all().map(({ order }) => order)).toEqual([10_001, 20_000])
  })
})
