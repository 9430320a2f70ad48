import { describe, expect, it } from 'vitest'
import { ControlDestination } from '../../../src/cluster/control-destination.ts'

function destinationOf() {
  const done: string[] = []
  const missed: unknown[] = []
  return { done, missed, destination: new ControlDestination((text) => done.push(text), (missing) => missed.push(missing)) }
}

const command = (seq: number, text: string) => ({ seq, symbol: undefined, text })

describe('ControlDestination', () => {
  it('obeys each command, and knows how far an origin is', () => {
    const { destination, done } = destinationOf()
    expect(destination.knownOf('e1')).toBeUndefined()
    destination.accept('e1', command(1, 'a'))
    destination.accept('e1', command(2, 'b'))

    expect(done).toEqual(['a', 'b'])
    expect(destination.knownOf('e1')).toEqual({ seq: 2, forgotten: 0 })
  })

  it('tells how many commands are missing', () => {
    const { destination, missed } = destinationOf()
    destination.skipTo('e1', 3, false)
    destination.skipTo('e1', 5, true)
    destination.skipTo('e1', 5, true)

    expect(missed).toEqual([2])
  })

  it('tells that commands may be missing if an origin does not answer, and can go on with it later', () => {
    const { destination, missed } = destinationOf()
    destination.accept('e1', command(1, 'a'))
    destination.giveUp('e1')
    destination.giveUp('e2')

    expect(missed).toEqual([undefined])
    expect(destination.knownOf('e1')).toEqual({ seq: 1, forgotten: 0 })
  })

  it('has no history: it knows no epochs from before, and completes none', () => {
    const { destination, done } = destinationOf()
    destination.complete()

    expect([destination.epochs(), done]).toEqual([[], []])
  })

  it('remembers at most 10,000 origins', () => {
    const { destination } = destinationOf()
    for (let n = 0; n <= 10_000; n++) destination.skipTo(`e${n}`, 1, false)

    expect(destination.knownOf('e0')).toBeUndefined()
    expect(destination.knownOf('e10000')).toBeDefined()
  })
})
