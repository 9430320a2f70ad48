import { describe, expect, it } from 'vitest'
import { partsOf } from '../../../src/cluster/parts.ts'

describe('partsOf', () => {
  it('splits a list into parts of at most 500 entries, in order', () => {
    const list = Array.from({ length: 1_001 }, (_, n) => n)

    expect(partsOf(list).map(({ length }) => length)).toEqual([500, 500, 1])
    expect(partsOf(list).flat()).toEqual(list)
  })

  it('has no part of an empty list', () => {
    expect(partsOf([])).toEqual([])
  })
})
