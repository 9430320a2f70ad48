import { describe, expect, it } from 'vitest'
import { RevocationFloors } from '../../../src/recovery/revocation-floors.ts'

const ORDERS = { streamType: 'ORDERS', symbol: undefined }

/** Floors that are kept for 100 ms, of users `0` to `10,000`: one more than are told apart. */
function tooMany(isNeeded: () => boolean = () => false) {
  const floors = new RevocationFloors(100, isNeeded)
  for (let user = 0; user <= 10_000; user++) floors.add({ userId: String(user), streamType: undefined, symbol: undefined }, user + 1, 0)
  return floors
}

describe('more than 10,000 revocations', () => {
  it('become one revocation for all users, up to the last of them', () => {
    const floors = tooMany()

    expect(floors.all()).toEqual([{ revoked: { userId: undefined, streamType: undefined, symbol: undefined }, order: 10_001, atMs: 0 }])
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
