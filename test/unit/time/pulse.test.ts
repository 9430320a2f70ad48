import { describe, expect, it } from 'vitest'
import { Pulse } from '../../../src/time/pulse.ts'

function pulse(mostMissed?: number) {
  let pings = 0
  return { pulse: new Pulse(() => pings++, mostMissed), pings: () => pings }
}

describe('Pulse', () => {
  it.each([[undefined, 2], [1, 1], [5, 5]])('has gone after so many pings in a row without an answer: %s', (mostMissed, most) => {
    const { pulse: silent, pings } = pulse(mostMissed)

    const beats = Array.from({ length: most + 2 }, () => silent.beat())

    expect(beats).toEqual([...Array<boolean>(most).fill(true), false, false])
    expect(pings()).toBe(most)
  })

  it('is there as long as it is heard', () => {
    const { pulse: answering } = pulse()

    const beats = Array.from({ length: 5 }, (_, i) => {
      if (i % 2 === 0) answering.heard()
      return answering.beat()
    })

    expect(beats).toEqual(Array(5).fill(true))
  })
})
